"""Scripts of the page that time what it shows."""

NEXT = """() => new Promise((resolve) => {
  let start = null;
  addEventListener('keydown', () => (start = performance.now()), { once: true, capture: true });
  new MutationObserver((_, observer) => {
    if (start === null) return;
    observer.disconnect();
    requestAnimationFrame(() => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => resolve(performance.now() - start);
      channel.port2.postMessage(0);
    });
  }).observe(document.querySelector('.annotate-place'), { attributeFilter: ['data-task'] });
})"""
"""Milliseconds from the next key to the frame that shows another task."""
