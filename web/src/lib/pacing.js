// Text that comes in bursts is shown evenly: a part of what is waiting thirty times a second, the first of it in the
// next frame. That is as smooth to read as sixty, and leaves the other frames to whoever scrolls and types; where a
// frame costs much (a slow machine, a page full of formulas) they keep three quarters of the time.

const SHARE = 4;
const LEAST = 2;
const PAUSE_MS = 18;
const LONGEST_PAUSE_MS = 250;

/**
 * @param {(text: string) => void} show called in every second frame at most
 * @param {{ frame?: (work: () => void) => any, later?: (work: () => void, ms: number) => any, now?: () => number,
 *   hurried?: () => boolean, known?: number }} [options] `hurried`: show all at once; `known`: so much of what comes is shown
 */
export function createPacer(show, { frame = nextFrame, later = setTimeout, now = () => performance.now(), hurried = isHurried, known = 0 } = {}) {
  let waiting = "";
  let asked = false;

  function tick() {
    asked = false;
    if (!waiting) return;
    const began = now();
    let length = hurried() ? waiting.length : Math.max(LEAST, Math.ceil(waiting.length / SHARE));
    // Never half of a pair: 😀 is two units.
    if (/[\ud800-\udbff]/.test(waiting[length - 1] ?? "")) length++;
    const text = waiting.slice(0, length);
    waiting = waiting.slice(length);
    show(text);
    asked = true;
    // Comes when the frame is painted, so that it knows what that took.
    later(() => later(rested, Math.min(LONGEST_PAUSE_MS, Math.max(PAUSE_MS, 3 * (now() - began)))), 0);
  }

  function rested() {
    asked = false;
    if (waiting) ask();
  }

  function ask() {
    if (asked) return;
    asked = true;
    frame(tick);
  }

  return {
    push(/** @type {string} */ text) {
      waiting += text.slice(known);
      known = Math.max(0, known - text.length);
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
