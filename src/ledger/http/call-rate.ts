/** Bounds how often each member calls: `perSecond` on average, as many at once. It remembers two numbers a member. */
export function createCallRate(options: { perSecond: number; clock: () => number }): (member: string) => boolean {
  const { perSecond, clock } = options;
  const members = new Map<string, { left: number; atMs: number }>();
  return (member) => {
    const nowMs = clock();
    const { left, atMs } = members.get(member) ?? { left: perSecond, atMs: nowMs };
    const filled = Math.min(perSecond, left + (Math.max(0, nowMs - atMs) * perSecond) / 1000);
    const isWithin = filled >= 1;
    members.set(member, { left: isWithin ? filled - 1 : filled, atMs: nowMs });
    return isWithin;
  };
}
