/**
 * Hysteresis with hold times, shared by everything here that raises and clears by a level.
 *
 * A reading stands for the time until the next one, unless the hole between them is longer than `gapMs`: what was
 * not measured is no evidence, in neither direction, so a hole starts a pending hold afresh. That is the whole rule;
 * a brute-force check over the raw samples (tests/eval) must give the same answer at every sample.
 * Rejected: counting samples ("three in a row"), because a lost sample or a faster poll then changes the hold time.
 */

/** How long a level must last. Beyond `gapMs` between two readings nothing is known of the time between. */
export interface HoldRule {
  raiseHoldMs: number;
  clearHoldMs: number;
  gapMs: number;
}

/** `rising` and `falling` wait for a hold to end; `since` is when the present phase's condition began. */
export interface Hold {
  phase: 'quiet' | 'rising' | 'active' | 'falling';
  sinceMs: number;
  /** When the condition that was raised began: the alert's identity. */
  onsetMs: number;
  lastMs: number;
}

export function newHold(): Hold {
  return { phase: 'quiet', sinceMs: 0, onsetMs: 0, lastMs: 0 };
}

/** Whether the hold is raised at this moment. */
export function isActive(hold: Hold): boolean {
  return hold.phase === 'active' || hold.phase === 'falling';
}

/** Raises a hold that is still waiting, where waiting longer would do harm. */
export function raiseNow(hold: Hold): void {
  hold.onsetMs = hold.phase === 'rising' ? hold.sinceMs : hold.lastMs;
  hold.phase = 'active';
}

/**
 * One reading: is it over the upper level, is it under the lower one?
 * @returns what happened by it, most often nothing
 */
export function stepHold(
  hold: Hold,
  over: boolean,
  under: boolean,
  atMs: number,
  rule: HoldRule,
): 'raised' | 'cleared' | undefined {
  // A clock that was set back is a hole as well: how long something lasted is not known.
  const hole = atMs - hold.lastMs > rule.gapMs || atMs < hold.lastMs;
  hold.lastMs = atMs;
  const wanted = isActive(hold) ? under : over;
  if (!wanted) {
    hold.phase = isActive(hold) ? 'active' : 'quiet';
    return undefined;
  }
  if (hold.phase === 'quiet' || hold.phase === 'active') {
    hold.phase = hold.phase === 'quiet' ? 'rising' : 'falling';
    hold.sinceMs = atMs;
  } else if (hole) {
    hold.sinceMs = atMs;
  }
  const held = atMs - hold.sinceMs;
  if (hold.phase === 'rising' && held >= rule.raiseHoldMs) {
    hold.phase = 'active';
    hold.onsetMs = hold.sinceMs;
    return 'raised';
  }
  if (hold.phase === 'falling' && held >= rule.clearHoldMs) {
    hold.phase = 'quiet';
    return 'cleared';
  }
  return undefined;
}
