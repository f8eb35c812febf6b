/** The command line: every verb with its options; the work of each stands in the file of its name. */
import { flushCompileCache } from 'node:module';
import { setFlagsFromString } from 'node:v8';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { BadInput, Failed, say } from './io.ts';

const FLUSH_AGAIN_MS = 20_000;

const program = new Command('gridwarden')
  .description('Turns a smart-meter concentrator into a grid worker that never sleeps. 电网网格员固件')
  .version('0.1.0')
  .showHelpAfterError(false)
  .configureHelp({ sortSubcommands: false })
  .exitOverride()
  .configureOutput({
    writeErr: (text) => say(text.replace(/^error: /, 'gridwarden: ').trimEnd()),
    outputError: (text, write) => write(`${text.trimEnd()}${misspelt(text)}`),
  });

const seconds = (text: string) => number(text, 'seconds', (value) => value > 0);
const speed = (text: string) => number(text, 'a factor above 0', (value) => value > 0);

program
  .command('demo')
  .description('a broker, a simulated street, the firmware and a platform in one go: alerts as they arrive')
  .option('--for <seconds>', 'end by itself with a summary', seconds)
  .option('--speed <factor>', 'how much faster than life the street lives', speed, 1)
  .option('--json', 'alerts as NDJSON on stdout')
  .addHelpText(
    'after',
    `
Its first lines name the local page and the broker, which has another port each time, for
\`gridwarden watch --broker …\` in another terminal. Ctrl-C ends it with a summary.
${examples('gridwarden demo', 'gridwarden demo --for 30 --json | jq .kind')}`,
  )
  .action(async (options) => (await import('./demo.ts')).demo(options));

program
  .command('run')
  .description('the firmware itself: reads the meters of a site file and reports to its brokers')
  .requiredOption('--config <file>', 'site file')
  .option('--record <file>', 'write what the meters say as a recording (.gz is compressed)')
  .option('--for <seconds>', 'end by itself', seconds)
  .addHelpText(
    'after',
    examples('gridwarden run --config site.yaml', 'gridwarden run --config site.yaml --record today.ndjson.gz'),
  )
  .action(async (options) => {
    favourMemory();
    const { run } = await import('./run.ts');
    // Now, because a concentrator ends with its power and seldom by itself: without a cache directory it does nothing.
    flushCompileCache();
    // And again for what is loaded with the first port: one file left out would bring the compiler back at each start.
    setTimeout(flushCompileCache, FLUSH_AGAIN_MS).unref();
    await run(options);
  });

program
  .command('check')
  .description('validate a site file: every problem with file:line:column and what was expected')
  .requiredOption('--config <file>', 'site file')
  .option('--json', 'problems as NDJSON on stdout')
  .addHelpText('after', examples('gridwarden check --config site.yaml'))
  .action(async (options) => (await import('./check.ts')).check(options));

program
  .command('scan')
  .description('find meters, baud rate and parity on a bus')
  .requiredOption('--port <port>', 'tty path or tcp://host:port')
  .option('--protocol <name>', 'dlt645 or modbus; both where not given')
  .option('--baud <rate...>', 'rates to try, 2400 9600 1200 4800 where not given; of a converter its own')
  .option(
    '--thorough',
    'every Modbus unit and every setting, though nobody answered there: a quarter of an hour. Without it units 1 to 10 are asked, all others only where one of them answers, and the first setting at which a meter answers is the last: a minute or two',
  )
  .option('--write <file>', 'write a site file ready to edit')
  .addHelpText(
    'after',
    examples(
      'gridwarden scan --port /dev/ttyS1',
      'gridwarden scan --port tcp://10.0.0.7:4001 --write site.yaml',
      'gridwarden scan --port /dev/ttyS1 --protocol modbus --baud 9600 --thorough',
    ),
  )
  .action(async (options) => (await import('./scan.ts')).scan(options));

program
  .command('read')
  .description('read items of one meter now')
  .argument('<item...>', '02010100, 9010, holding:0x2012/2, input:342/4, or a name of the catalogue or profile')
  .requiredOption('--port <port>', 'tty path with settings, or tcp://host:port')
  .requiredOption('--meter <address>', "the meter's 12 digits, or its Modbus unit")
  .option('--protocol <name>', 'dlt645 or modbus; by the address where not given')
  .option('--standard <year>', '2007 or 1997; found out where not given')
  .option('--profile <name>', 'Modbus register profile')
  .addHelpText(
    'after',
    examples(
      "gridwarden read --port '/dev/ttyS1?baud=2400&parity=even' --meter 000000000161 02010100 00010000",
      'gridwarden read --port tcp://10.0.0.7:4001 --meter 1 --profile sdm630 input:0/2',
    ),
  )
  .action(async (items, options) => (await import('./read.ts')).read(items, options));

program
  .command('control')
  .description('have a meter do something: relay, alarm, clears, freeze, write, time, baud, password, address')
  .argument(
    '<action>',
    'trip, permit-close, close, alarm, clear-demand, freeze, write …; an unknown one lists them all',
  )
  .argument('[value...]', 'what the action needs: write ITEM VALUE…, freeze [MMDDhhmm], baud RATE, address ADDRESS')
  .requiredOption('--port <port>', 'tty path with settings, or tcp://host:port')
  .requiredOption('--meter <address>', "the meter's 12 digits; 999999999999 for the time of all meters on the line")
  .option('--standard <year>', '2007 or 1997', '2007')
  .option('--password-file <file>', 'six digits; asked for where not given')
  .option('--next-password-file <file>', 'for the action password: the new one')
  .option('--level <level>', "the password's level", '2')
  .option('--operator <code>', 'eight digits', '00000000')
  .option('--until <time>', "when a relay command expires, the meter's time; in ten minutes where not given")
  .option('--yes-i-mean-it', 'needed for all that changes what the meter counts, obeys or is called')
  .addHelpText(
    'after',
    examples(
      "gridwarden control --port '/dev/ttyS1?baud=2400&parity=even' --meter 000000000161 freeze",
      'gridwarden control --port /dev/ttyS1 --meter 000000000161 trip --password-file pin --yes-i-mean-it',
      'gridwarden control --port /dev/ttyS1 --meter 000000000161 write 04000103 15 --yes-i-mean-it',
    ),
  )
  .action(async (action, values, options) => (await import('./control.ts')).control(action, values, options));

program
  .command('doctor')
  .description('bus, clock, disk, broker, certificates: one line each, green or what to do')
  .requiredOption('--config <file>', 'site file')
  .option('--json', 'lines as NDJSON on stdout')
  .addHelpText('after', examples('gridwarden doctor --config site.yaml'))
  .action(async (options) => (await import('./doctor.ts')).doctor(options));

program
  .command('decode')
  .description('explain DL/T 645 and Modbus RTU bytes')
  .argument('[hex...]', 'bytes in hex; lines on stdin where none is given')
  .option('--as <direction>', 'request or response, where the same Modbus bytes may be either')
  .option('--profile <name>', 'Modbus register profile')
  .addHelpText(
    'after',
    examples(
      'gridwarden decode 68 61 01 00 00 00 00 68 91 08 33 33 34 33 59 33 33 33 8A 16',
      'gridwarden decode < frames.txt',
    ),
  )
  .action(async (hex, options) => (await import('./decode.ts')).decode(hex, options));

program
  .command('sim')
  .description('simulated meters on pseudo-terminals or TCP ports')
  .argument('<scenario...>', 'shipped name, YAML file or recording')
  .option('--speed <factor>', 'how much faster than life', speed)
  .option('--tcp', 'TCP ports instead of pseudo-terminals')
  .option('--port <tty>', 'answer on a real RS-485 adapter instead')
  .option('--truth <file>', 'write what really happened, at the end')
  .option('--site <file>', 'write a site file for run, at the start')
  .option('--broker <url>', 'for the site file', 'mqtt://127.0.0.1:1883')
  .option('--page', 'show the street in the browser')
  .option('--for <seconds>', 'end by itself', seconds)
  .addHelpText(
    'after',
    examples(
      'gridwarden sim street --speed 60',
      'gridwarden sim street --site site.yaml --truth truth.ndjson',
      'gridwarden sim recording.ndjson.gz --tcp',
    ),
  )
  .action(async (scenarios, options) => (await import('./sim.ts')).sim(scenarios, options));

program
  .command('replay')
  .description('run the detectors over recordings in virtual time and print the alerts')
  .argument('<recording...>', 'files as written by run --record; read one after the other')
  .option('--config <file>', 'site file: the settings of its detectors')
  .option('--kind <kind...>', 'only these kinds')
  .addHelpText(
    'after',
    examples('gridwarden replay today.ndjson.gz', 'gridwarden replay week.ndjson --kind overload inactivity'),
  )
  .action(async (recordings, options) => (await import('./replay.ts')).replay(recordings, options));

program
  .command('score')
  .description('precision, recall, F1, false alarms per meter-month and delay per kind')
  .argument('<alerts...>', 'NDJSON as printed by replay or watch')
  .requiredOption('--truth <file>', 'what really happened, as written by sim')
  .option('--json', 'one object on stdout')
  .option('--html <file>', 'a report with pictures')
  .option('--recording <file>', 'what the alerts were made from: only its meters and its time count')
  .addHelpText(
    'after',
    `
Counts everything in the truth file, also what began just before its end; with --recording what
happened to the meters of that recording, between its first record and its last.
${examples(
  'gridwarden score --truth truth.ndjson alerts.ndjson',
  'gridwarden score --truth truth.ndjson --recording today.ndjson.gz alerts.ndjson',
)}`,
  )
  .action(async (alerts, options) => (await import('./score.ts')).score(alerts, options));

program
  .command('watch')
  .description('subscribe as a platform would, validate and print alerts, answer with receipts')
  .requiredOption('--broker <url>', 'mqtt://host:port')
  .option('--no-receipts', 'only look: the gateway keeps its alerts')
  .option('--for <seconds>', 'end by itself', seconds)
  .addHelpText('after', examples('gridwarden watch --broker mqtt://127.0.0.1:1883'))
  .action(async (options) => (await import('./watch.ts')).watch(options));

program
  .command('image')
  .description("build a concentrator's disk image, Debian package or update: the ending of the file says which")
  .requiredOption('--out <file>', '.img, .img.zst, .deb or .raucb')
  .option('--arch <name>', "for a .deb: arm64, amd64 or armhf; the file's name where not given")
  .option('--cert <file>', 'for a .raucb: certificate that signs it')
  .option('--key <file>', 'for a .raucb: its key')
  .option('--keyring <file>', 'for an image: the certificate that updates must be signed under')
  .addHelpText(
    'after',
    examples(
      'gridwarden image --out gateway-arm64.img --keyring update-ca.crt',
      'gridwarden image --out gridwarden-amd64.deb',
      'gridwarden image --out gateway-arm64.raucb --cert sign.crt --key sign.key --keyring update-ca.crt',
    ),
  )
  .action(async (options) => (await import('./image.ts')).image(options));

program
  .command('flash')
  .description('write an image to a card: shows what it overwrites and asks, verifies, goes on after an interruption')
  .argument('[image]', '.img or .img.zst')
  .option('--to <device>', 'the disk, or a file')
  .option('--list', 'the disks of this machine, and what speaks against writing them')
  .option('--allow <what...>', 'mounted, system, oversized, fixed: write all the same')
  .option('--yes', 'do not ask')
  .addHelpText('after', examples('gridwarden flash --list', 'gridwarden flash gateway-arm64.img.zst --to /dev/sdb'))
  .action(async (file, options) => (await import('./flash.ts')).flash(file, options));

program
  .command('provision')
  .description('make a gateway this one: identity, keys, broker CA, network, time, site file; and print its label')
  .requiredOption('--to <target>', 'a flashed disk, an image, or a directory')
  .option('--gateway <id>', 'its name')
  .option('--csv <file>', 'a table instead: gateway,site,broker,address,router,dns,ntp,serviceInterface')
  .option('--site <file>', 'site file to start from')
  .option('--broker <url...>', 'in the order to try; those of the site file where not given')
  .option('--ca <file>', "who signed the broker's certificate")
  .option('--sign-cert <file>', "signs the gateway's certificate here and now")
  .option('--sign-key <file>', 'its key')
  .option('--address <address>', 'dhcp, or 10.1.2.3/24', 'dhcp')
  .option('--router <address>', 'the way out, where not dhcp')
  .option('--dns <address...>', 'name servers')
  .option('--ntp <server...>', 'time servers')
  .option('--service-interface <name>', 'port for the laptop, where the board has two')
  .option('--labels <directory>', 'where the label goes', '.')
  .option('--from <source>', 'move a gateway that exists: its card, an image or a directory')
  .option('--replace', 'a gateway that lives there already is lost')
  .option('--allow <what...>', 'as in flash')
  .addHelpText(
    'after',
    examples(
      'gridwarden provision --to /dev/sdb --gateway gw-tj-0412 --site site.yaml --ca ca.pem',
      'gridwarden provision --to gateways --csv fleet.csv --site site.yaml --labels labels',
      'gridwarden provision --from /dev/sdb --to /dev/sdc',
    ),
  )
  .action(async (options) => (await import('./provision.ts')).provision(options));

// A reader that has seen enough (`… | head`) is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // A terminal that was closed: SIGHUP has said so, and what is still to be cleared away is.
  if (error.code !== 'EIO') process.exit(error.code === 'EPIPE' ? 0 : 1);
});
process.stderr.on('error', () => {});
program
  .command('update')
  .description('install a signed bundle into the other slot; it stays only if the gateway then works as before')
  .argument('[bundle]', '.raucb, a file or http(s)://…')
  .option('--no-reboot', 'let it take over at the next restart')
  .option('--anyway', 'also an older image, or one that did not work here before')
  .option('--confirm', 'decide whether this start stays; a timer does it')
  .option('--ordered', 'install what the platform ordered; a unit does it')
  .addHelpText('after', examples('gridwarden update /media/stick/gateway-arm64.raucb'))
  .action(async (bundle, options) => (await import('./update.ts')).update(bundle, options));

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCode(error);
}

/**
 * The firmware's objects die at once or stay for long: a young generation of the usual size only fills with dead ones,
 * over a hundred megabytes of them. Its limit cannot be set once the program runs, but that it does not grow can. And it
 * waits for its meters nearly all the time: the engine may collect sooner and keep less room to grow.
 */
function favourMemory(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--optimize-for-size');
}

/** The library stops at a flag that is missing and never says that another was given instead. */
function misspelt(error: string): string {
  if (!error.startsWith('error: required option')) return '';
  const [name, ...args] = process.argv.slice(2);
  const verb = program.commands.find((command) => command.name() === name);
  const flag = verb?.parseOptions(args).unknown.find((arg) => arg.startsWith('-'));
  return flag === undefined ? '' : `: unknown option '${flag}' given`;
}

function exitCode(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof BadInput || error instanceof Failed) {
    say(`gridwarden: ${error.message}`);
    return error instanceof BadInput ? 2 : 1;
  }
  say(
    `gridwarden: ${error instanceof Error && process.env.GRIDWARDEN_LOG !== 'debug' ? error.message : String((error as Error).stack ?? error)}`,
  );
  return 1;
}

function number(text: string, what: string, good: (value: number) => boolean): number {
  const value = Number(text);
  if (!Number.isFinite(value) || !good(value)) throw new InvalidArgumentError(`expected ${what}`);
  return value;
}

function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}`;
}
