/** `gridwarden check`: every problem of a site file at once, and whether each bus has time for what it is asked. */
import { loadSite } from '../config/load.ts';
import { formatProblem } from '../config/problem.ts';
import { busPlans } from '../meters.ts';
import { BadInput, Failed, many, print, readInput, say, unreadable } from './io.ts';

export async function check(options: { config: string; json?: boolean }): Promise<void> {
  const loaded = loadSite(await readInput(options.config, 'a site file (YAML)'), options.config);
  if (loaded.site === undefined) {
    for (const problem of loaded.problems) {
      if (options.json) print(problem);
      else say(formatProblem(problem));
    }
    throw new BadInput(`${options.config}: ${many(loaded.problems.length, 'problem')}`);
  }
  let over = 0;
  for (const plan of busPlans(loaded.site)) {
    if (options.json) print(plan);
    else say(`${plan.port}: ${many(plan.meters, 'meter')}, plan needs ${(plan.load * 100).toFixed(0)} % of the line`);
    if (plan.load > 1) {
      over++;
      say(
        `${plan.port}: the plan is ${plan.load.toFixed(1)} times longer than the line: fewer meters, a higher baud rate or longer periods`,
      );
    }
  }
  if (over > 0)
    throw new Failed(`${options.config}: ${over} bus${over === 1 ? ' is' : 'es are'} asked for more than it can carry`);
  for (const { names, ...place } of loaded.files) {
    const problem = unreadable(names);
    if (problem === undefined) continue;
    // Checked on a laptop as often as on the gateway: only `doctor` and `run` need what is named.
    if (options.json) print({ ...place, names, problem });
    else say(formatProblem({ ...place, message: `${names}: ${problem}: the gateway will need it` }));
  }
  say(`${options.config}: good`);
}
