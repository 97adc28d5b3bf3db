// Whether an input method is composing. Enter then chooses a candidate: it must never send.

/** `const ime = useIme()`: `v-on="ime.on"` on the field, `ime.composing(event)` in its keydown. */
export function useIme() {
  let composing = false;
  return {
    on: {
      compositionstart: () => (composing = true),
      // Some browsers tell the Enter that ends it only afterwards; keyCode 229 alone says nothing.
      compositionend: () => setTimeout(() => (composing = false)),
    },
    /** @param {KeyboardEvent} event */
    composing: (event) => composing || event.isComposing,
  };
}
