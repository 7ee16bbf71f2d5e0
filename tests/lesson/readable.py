"""Measures whether a text can be read: how far its colour stands off from what is behind it."""

from __future__ import annotations

from typing import Any

LEAST = 4.5
"""What the Web Content Accessibility Guidelines ask for, level AA, of text of ordinary size (1.4.3)."""

_FAINT = """
(card) => {
  const brush = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const lightness = (paint) => {
    const [r, g, b] = [...paint].slice(0, 3).map((v) => v / 255)
      .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const above = (element) => {
    const found = [];
    for (let e = element; e; e = e.parentElement) found.unshift(getComputedStyle(e));
    return found;
  };
  const pixel = (colour, alpha) => {
    brush.globalAlpha = alpha;
    brush.fillStyle = colour;
    brush.fillRect(0, 0, 1, 1);
    return brush.getImageData(0, 0, 1, 1).data;
  };
  const contrast = (element) => {
    const styles = above(element);
    const opacity = styles.reduce((sum, style) => sum * Number(style.opacity), 1);
    let behind = pixel(getComputedStyle(document.documentElement).colorScheme.includes("dark") ? "#121212" : "#fff", 1);
    const painted = styles.map((style) => style.backgroundColor).filter((colour) => colour !== "rgba(0, 0, 0, 0)");
    for (const colour of painted) behind = pixel(colour, 1);
    const under = lightness(behind);
    const style = styles.at(-1);
    const text = lightness(pixel(element instanceof SVGElement ? style.fill : style.color, opacity));
    return (Math.max(text, under) + 0.05) / (Math.min(text, under) + 0.05);
  };
  return [...card.querySelectorAll("*")]
    .filter((e) => !["STYLE", "TITLE", "title"].includes(e.tagName))
    .filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()))
    .map((e) => [e.textContent.trim().slice(0, 40), contrast(e)])
    .filter(([, found]) => found < LEAST);
}
"""


def faint(card: Any) -> list[tuple[str, float]]:
    """Return the texts of a card that do not stand off from their ground, each with its contrast, 1 to 21."""
    return [(text, found) for text, found in card.evaluate(_FAINT.replace("LEAST", str(LEAST)))]
