// Where one was reading, kept in the entry of the browser's history: back, forward and reload lead there again.
import { onBeforeUnmount } from "vue";

const PAUSE_MS = 150;

/** @typedef {{ uuid: string, offset: number }} Place a message, and how far its top is below the scroller's */

/** The place of the entry that is shown now; null for its end. @returns {Place | null} */
export const placeHere = () => history.state?.place ?? null;

/**
 * @param {() => Place | null} look where one is; null at the end
 * @returns {() => void} to be called when that may have changed
 */
export function usePlace(look) {
  let timer;
  const path = location.pathname;

  function keep() {
    // One may have gone on meanwhile: then this entry is another page's.
    if (location.pathname === path) history.replaceState({ ...history.state, place: look() }, "");
  }

  onBeforeUnmount(() => clearTimeout(timer));
  return () => {
    clearTimeout(timer);
    timer = setTimeout(keep, PAUSE_MS);
  };
}
