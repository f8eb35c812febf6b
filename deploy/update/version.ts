/** Whether one image is newer than another: `0.2.0+202611220035`, compared number by number. */
export function isNewer(candidate: string, running: string): boolean {
  const numbers = (text: string) => (text.match(/\d+/g) ?? []).map(Number);
  const [a, b] = [numbers(candidate), numbers(running)];
  for (let n = 0; n < Math.max(a.length, b.length); n++) {
    const difference = (a[n] ?? 0) - (b[n] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return false;
}
