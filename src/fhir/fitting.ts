/** Texts opened at a time: how far a page's memory can overshoot its bound. */
const AT_ONCE = 50;

/**
 * How many of `items`, from the first on, make a page: as many as fit into `maxChars` together, and one at least. A page
 * may have fewer entries than `_count` (R4 §3.1.1.4: "servers SHALL not return more"); its next link goes on behind them.
 */
export async function fittingCount<Item>(
  items: readonly Item[],
  textOf: (item: Item) => Promise<string>,
  maxChars: number,
): Promise<number> {
  let chars = 0;
  for (let at = 0; at < items.length; at += AT_ONCE) {
    const texts = await Promise.all(items.slice(at, at + AT_ONCE).map(textOf));
    for (const [index, { length }] of texts.entries()) {
      chars += length;
      if (chars > maxChars) return Math.max(1, at + index);
    }
  }
  return items.length;
}
