// Gives the pages the colours of the user's Telegram, as far as text stays readable (WCAG 2.2: 4.5 to 1).

const READABLE = 4.5;

function channels(color) {
  const match = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(color ?? "");
  return match ? match.slice(1).map((part) => parseInt(part, 16) / 255) : null;
}

function luminance(color) {
  const [red, green, blue] = channels(color).map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one, other) {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

/** Sets the tokens of style.css from Telegram's theme parameters; values that are missing or unreadable are left out. */
export function applyTheme(theme) {
  const valid = Object.fromEntries(Object.entries(theme ?? {}).filter(([, color]) => channels(color)));
  const { bg_color: wall, text_color: ink, hint_color: soft } = valid;
  const style = document.documentElement.style;
  for (const name of ["--wall", "--raised", "--ink", "--soft", "--accent", "--on-accent"]) style.removeProperty(name);
  if (!wall || !ink || contrast(wall, ink) < READABLE) return;
  const raised = valid.section_bg_color && contrast(valid.section_bg_color, ink) >= READABLE ? valid.section_bg_color : wall;
  style.colorScheme = luminance(wall) < 0.2 ? "dark" : "light";
  style.setProperty("--wall", wall);
  style.setProperty("--raised", raised);
  style.setProperty("--ink", ink);
  const isReadable = (color) => contrast(color, wall) >= READABLE && contrast(color, raised) >= READABLE;
  if (soft && isReadable(soft)) style.setProperty("--soft", soft);
  const { button_color: accent, button_text_color: words } = valid;
  if (accent && words && isReadable(accent) && contrast(accent, words) >= READABLE) {
    style.setProperty("--accent", accent);
    style.setProperty("--on-accent", words);
  }
}
