// What a person reads who has nothing to label now: what the run does meanwhile, and whether anything comes.
import { duration, percent, quantity } from "../number_text.js";

const STEPS = [["train the network", ["train"]], ["choose what to ask next", ["fit", "score"]]]; // text, stages: between two queries
const PICKED_UP = 75_000; // milliseconds in which a run that waits looks again, by far

/**
 * {title, text, sign, steps: [{text, state: "done", "now" or "next"}]}.
 * reason: why nothing is leased, or null; left: tasks that wait for others; progress, status: answers of the service or null;
 * oracle: who answers this run; unsent: answers on their way; since: milliseconds that it has been like that.
 */
export function idleNotice({ reason, left, progress, status, oracle, unsent, since }) {
  const say = (title, text, sign = "waiting", steps = []) => ({ title, text, sign, steps });
  if (oracle !== "people") return say("Nothing to label", sentence(reason ?? "nobody is asked here"), "fresh");
  if (unsent) return say("Nothing else to label", `${quantity(unsent, "answer is", "answers are")} on the way to the service.`);
  if (status?.state === "finished") return say("All done", finished(status), "fresh");
  if (status?.state === "running") return running(say, status);
  if (left) return say("Nothing for you now", sentence(reason ?? "what is open is in other hands"));
  const { to_decide: undecided = 0 } = progress ?? {};
  if (undecided) {
    return say("A reviewer decides", `Everything is answered; ${quantity(undecided, "answer waits", "answers wait")} for a reviewer. Then the run goes on, and what it asks for next appears here by itself.`);
  }
  if (status?.state === "stopped") {
    const [next] = STEPS.find(([, stages]) => stages.includes(status.stage)) ?? [];
    const where = next ? `: next it would ${next}` : "";
    return say("The run has stopped", `No process works on it${where} (${place(status)}). Call the command again that began it, raymeta label or raymeta run: it goes on where it was, and what it asks for appears here by itself.`, "trouble");
  }
  if (status?.state === "waits for people" && since > PICKED_UP) {
    return say("The run doesn't go on by itself", "Everything is answered, and no process has taken the answers up. Call the command again that began the run, raymeta label or raymeta run: what it asks for next appears here by itself.", "trouble");
  }
  return say("Everything is answered", "The run takes the answers up within a minute, where a command waits for them. What it asks for next appears here by itself.");
}

/** What works on the run, step by step, and how long that took the last time. */
function running(say, status) {
  const { stage, seconds } = status;
  const at = STEPS.findIndex(([, stages]) => stages.includes(stage));
  if (at < 0) return say("The run goes on", `It takes the answers up (${place(status)}). What it asks for next appears here by itself.`);
  const steps = STEPS.map(([text, stages], index) => {
    const last = stages.reduce((sum, name) => sum + (seconds[name] ?? 0), 0);
    return { text: last >= 1 ? `${text}, ${duration(last)} the last time` : text, state: index < at ? "done" : index === at ? "now" : "next" };
  });
  const title = at ? "The next query is chosen" : "The network learns now";
  return say(title, `From all that is labelled by now (${place(status)}). The next query appears here by itself.`, "waiting", steps);
}

function finished({ iteration, iterations, miou }) {
  const end = iteration < iterations
    ? `The run has ended after ${quantity(iteration, "iteration", "iterations")}: nothing is left to ask for.`
    : `The run has finished: ${iterations === 1 ? "its one iteration is" : `all ${iterations} iterations are`} done.`;
  const worth = miou === null ? "" : ` The network reaches ${percent(miou)} mIoU on the validation images.`;
  return `${end}${worth} Nothing more will be asked.`;
}

function place({ iteration, iterations }) {
  return `iteration ${Math.min(iteration + 1, iterations)} of ${iterations}`;
}

function sentence(text) {
  return `${text[0].toUpperCase()}${text.slice(1)}.`;
}
