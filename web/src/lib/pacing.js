// Text that comes in bursts is shown evenly: a part of what is waiting in every second frame. The first of it in the
// next one; thirty times a second is as smooth to read, and leaves the other frames to whoever scrolls and types.

const SHARE = 4;
const LEAST = 2;

/**
 * @param {(text: string) => void} show called in every second frame at most
 * @param {{ frame?: (work: () => void) => any, hurried?: () => boolean }} [platform] `hurried`: show all at once
 */
export function createPacer(show, { frame = nextFrame, hurried = isHurried } = {}) {
  let waiting = "";
  let asked = false;

  function tick() {
    asked = false;
    if (!waiting) return;
    let length = hurried() ? waiting.length : Math.max(LEAST, Math.ceil(waiting.length / SHARE));
    // Never half of a pair: 😀 is two units.
    if (/[\ud800-\udbff]/.test(waiting[length - 1] ?? "")) length++;
    const text = waiting.slice(0, length);
    waiting = waiting.slice(length);
    show(text);
    asked = true;
    frame(() => {
      asked = false;
      if (waiting) ask();
    });
  }

  function ask() {
    if (asked) return;
    asked = true;
    frame(tick);
  }

  return {
    push(/** @type {string} */ text) {
      waiting += text;
      ask();
    },
    /** Forget what is waiting: the whole text is there. */
    drop: () => void (waiting = ""),
  };
}

// A hidden tab has no frames; its text must not wait for them.
const nextFrame = (/** @type {() => void} */ work) => (document.hidden ? setTimeout(work, 100) : requestAnimationFrame(work));
const calm = globalThis.matchMedia?.("(prefers-reduced-motion: reduce)");
const isHurried = () => document.hidden || calm.matches;
