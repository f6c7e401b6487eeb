// Arrow keys go from message to message of the open chat; Enter opens the menu of the one in focus.

export function walkWithKeys(log, openMenu) {
  log.addEventListener("keydown", (event) => {
    if (!["ArrowUp", "ArrowDown", "Enter"].includes(event.key) || !(event.target === log || event.target.matches(".message"))) return;
    const nodes = [...log.querySelectorAll(".message")];
    const at = nodes.indexOf(event.target);
    if (event.key === "Enter") {
      if (at >= 0) openMenu(event.target);
      return;
    }
    const next = at < 0 ? nodes.length - 1 : at + (event.key === "ArrowDown" ? 1 : -1);
    if (!nodes[next]) return;
    event.preventDefault();
    nodes[next].focus();
  });
}
