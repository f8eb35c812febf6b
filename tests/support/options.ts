/** The options of a script in tests/: what nobody knows is told in one line, with exit status 2. */
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';

/** @param script its name, for the line */
export function optionsOf<const T extends ParseArgsOptionsConfig>(script: string, options: T) {
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    // Node's message goes on with advice of its own.
    const [problem] = (error as Error).message.split(/\.(?=\s)|\n/);
    const known = Object.keys(options).map((name) => `--${name}`);
    console.error(`${script}: ${problem}: expected ${known.join(', ')}`);
    return process.exit(2);
  }
}
