/** Labels as people write them. */

/** Returns the labels that are written in a text, with spaces or commas between. */
export function labelsIn(text: string): string[] {
  return text.split(/[\s,]+/).filter(Boolean);
}

/** Returns labels with some more and some fewer, both as texts. */
export function relabelled(labels: readonly string[], more: string, fewer: string): string[] {
  const gone = labelsIn(fewer);
  return [...new Set([...labels, ...labelsIn(more)])].filter((label) => !gone.includes(label));
}
