/** For meters that answer within milliseconds of what they were told, whoever plays them. */
import { setFlagsFromString } from 'node:v8';

/**
 * Keeps the young generation of this process small, for good: one that grows is collected seldom, and then for five
 * milliseconds; a small one often, for half of one.
 */
export function answerPromptly(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}
