// Above the keyboard of a phone. Where that lies over the page (Safari; elsewhere it makes the page smaller), the page is
// as high as what is seen of it.

/** @param {VisualViewport | null} seen */
export function stayAboveKeyboard(seen = window.visualViewport) {
  seen?.addEventListener("resize", () => {
    // Enlarged by fingers less is seen, too: then the page is to stay as it is.
    const isCovered = seen.scale === 1 && window.innerHeight - seen.height > 1;
    document.documentElement.style.setProperty("--seen", isCovered ? `${seen.height}px` : "");
    if (isCovered) window.scrollTo(0, 0);
  });
}
