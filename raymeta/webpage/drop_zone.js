// Pictures that are dropped or pasted anywhere on the page.
import { element } from "./dom.js";
import { toast } from "./notices.js";

/** open(file) is called with the first file. */
export function watchForPictures(open) {
  const sign = element("div", { class: "drop-sign", hidden: true }, element("strong", {}, "Drop your image"), element("span", { class: "soft" }, "to see its priority map and its best boxes"));
  document.body.append(sign);
  let depth = 0;
  const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  const over = (change) => {
    depth = Math.max(0, depth + change);
    sign.hidden = depth === 0;
  };
  window.addEventListener("dragenter", (event) => hasFiles(event) && over(1));
  window.addEventListener("dragleave", (event) => hasFiles(event) && over(-1));
  window.addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
  window.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    over(-depth);
    take([...event.dataTransfer.files], open);
  });
  window.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    take(files, open);
  });
}

function take(files, open) {
  if (files.length > 1) toast(`One image at a time: ${files[0].name} is shown, ${files.length - 1} left out.`);
  if (files.length) open(files[0]);
}
