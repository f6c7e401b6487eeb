// The end of the messages: when it counts as in sight, and how it stays there.

export const END = 80; // pixels from the last message that still count as being there

/** Stays at the last message while what is around the messages grows: the walkthrough, a warning, the keyboard. */
export function keepEnd(log, scrollToEnd) {
  let height = log.clientHeight;
  new ResizeObserver(() => {
    const near = log.scrollHeight - log.scrollTop - height < END;
    height = log.clientHeight;
    if (near) scrollToEnd();
  }).observe(log);
}
