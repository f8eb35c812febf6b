/** What the alert tells of this home: how long it is usually silent at this hour, and which habits are missing. */
import { binAt, DAYS, type Memory, scoreAt } from './memory.ts';

/** The longest silence but one that ended at this time of day in the last thirty days, in hours. */
export function usualLongestH(memory: Memory, hour: number): number {
  const lengths: number[] = [];
  for (let day = 1; day < DAYS; day++) {
    const end = hour - day * 24;
    if (end <= memory.first) break;
    let length = 0;
    while (length < 48 && scoreAt(memory, end - length) > 0) length++;
    lengths.push(length);
  }
  lengths.sort((a, b) => b - a);
  return lengths[Math.min(1, lengths.length - 1)] ?? 0;
}

const HABITS = [
  { name: 'morning peak', from: 5, to: 9 },
  { name: 'kitchen peak', from: 10, to: 13 },
  { name: 'evening lights', from: 16, to: 20 },
] as const;

/** The habits that fell into the silence and did not come, with their usual time: `kitchen peak 11:20 ± 25 min`. */
export function missingHabits(memory: Memory, silentFrom: number, now: number, quietLevel: number): string {
  const missing: string[] = [];
  for (const { name, from, to } of HABITS) {
    const today = lastOccurrence(now, to);
    if (today - (to - from) < silentFrom - 1) continue;
    const habit = habitTime(memory, from, to, now, quietLevel);
    if (habit !== undefined) missing.push(`${name} ${habit}`);
  }
  return missing.join(', ');
}

/** The last civil hour that was `hourOfDay` o'clock, at or before now. */
const lastOccurrence = (now: number, hourOfDay: number): number => now - ((now - hourOfDay) % 24);

/** When the strongest hour of this part of the day usually lies, where at least seven days of ten have one. */
function habitTime(memory: Memory, from: number, to: number, now: number, quietLevel: number): string | undefined {
  const times: number[] = [];
  let days = 0;
  for (let day = 1; day < DAYS; day++) {
    const start = lastOccurrence(now, from) - day * 24;
    if (start < memory.first) break;
    let sum = 0;
    let weighted = 0;
    let known = false;
    for (let i = 0; i <= to - from; i++) {
      const bin = binAt(memory.level, start + i);
      if (bin >= 0) known = true;
      // Watts grow by a third a bin: the strongest hour pulls the time to itself.
      const weight = bin > quietLevel + 1 ? 1.33 ** bin : 0;
      sum += weight;
      weighted += weight * (from + i + 0.5);
    }
    if (known) days++;
    if (sum > 0) times.push(weighted / sum);
  }
  if (days < 5 || times.length < 0.7 * days) return undefined;
  times.sort((a, b) => a - b);
  const middle = times[times.length >> 1] ?? 0;
  const spread = times.map((time) => Math.abs(time - middle)).sort((a, b) => a - b)[times.length >> 1] ?? 0;
  return `${clock(middle)} ± ${Math.max(5, Math.round((spread * 60) / 5) * 5)} min`;
}

function clock(hours: number): string {
  const minutes = Math.round((hours * 60) / 5) * 5;
  return `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
}
