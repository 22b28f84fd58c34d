/** A function by straight lines between points, ascending in `x`; level before the first and after the last. */
export type Curve = readonly (readonly [x: number, y: number])[];

/** Value of the curve at `x`. */
export function curveAt(curve: Curve, x: number): number {
  const [first] = curve;
  if (first === undefined) throw new RangeError('a curve without points');
  let [fromX, fromY] = first;
  if (x <= fromX) return fromY;
  for (const [toX, toY] of curve) {
    if (x < toX) return fromY + ((toY - fromY) * (x - fromX)) / (toX - fromX);
    [fromX, fromY] = [toX, toY];
  }
  return fromY;
}

/** The smallest `x` at which a curve that never falls reaches `y`; undefined when it stays below. */
export function whenReached(curve: Curve, y: number): number | undefined {
  let [fromX, fromY] = curve[0] ?? [0, 0];
  if (fromY >= y) return fromX;
  for (const [toX, toY] of curve) {
    if (toY >= y) return fromX + ((toX - fromX) * (y - fromY)) / (toY - fromY);
    [fromX, fromY] = [toX, toY];
  }
  return undefined;
}
