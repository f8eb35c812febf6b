import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadSite } from '../../firmware/config/load.ts';
import { loadSiteApart } from '../../firmware/config/load-apart.ts';
import { formatProblem } from '../../firmware/config/problem.ts';

const GOOD = `# A site
gateway:
  id: gw-1
buses:
  - port: /dev/ttyS1?baud=2400&parity=even
    meters:
      - { protocol: dlt645, address: "000000000161", premises: flat, fuseA: 40 }
      - { protocol: modbus, unit: 3, profile: sdm630, id: shop-3, phases: 3 }
uplink:
  brokers: [mqtt://127.0.0.1:1883]
`;

const problems = (text: string) => loadSite(text, 'site.yaml').problems.map(formatProblem);
const broken = (from: string, to: string) => problems(GOOD.replace(from, to));

describe('site file', () => {
  it('is as the example says', () => {
    const file = 'deploy/site.example.yaml';
    expect(loadSite(readFileSync(file, 'utf8'), file).problems.map(formatProblem)).toEqual([]);
  });

  it('is read with its defaults', () => {
    const { site } = loadSite(GOOD, 'site.yaml');
    expect(site?.gateway).toEqual({ id: 'gw-1', timezone: 'Asia/Shanghai' });
    expect(site?.buses[0]?.meters[0]).toMatchObject({ standard: '2007', phases: 1, fuseA: 40 });
    expect(site?.uplink).toMatchObject({ delivery: 'receipt', format: 'cbor' });
    expect(site?.store.directory).toBe('state');
  });

  it.each([
    ['a good one', GOOD],
    ['a bad one', GOOD.replace('premises: flat', 'premises: palace')],
  ])(
    'is the same when %s is checked in a thread of its own',
    async (_, text) => {
      expect(await loadSiteApart(text, 'site.yaml')).toEqual(loadSite(text, 'site.yaml'));
    },
    30_000,
  );

  it('takes unit 255 of a meter of Modbus TCP, and of none on a line', () => {
    const shop = (port: string, unit: number) =>
      problems(
        GOOD.replace('/dev/ttyS1?baud=2400&parity=even', port)
          .replace(/^.*dlt645.*\n/m, '')
          .replace('unit: 3', `unit: ${unit}`),
      );
    expect(shop('modbus-tcp://10.0.0.7:502', 255)).toEqual([]);
    expect(shop('modbus-tcp://10.0.0.7:502', 248)[0]).toMatch(/^site\.yaml:7:35: .*unit: expected 1 to 247, or 255/);
    expect(shop('/dev/ttyS1', 255)[0]).toMatch(/^site\.yaml:7:35: .*unit: unit 255: expected 1 to 247 on a line/);
    expect(broken('/dev/ttyS1?baud=2400&parity=even', 'modbus-tcp://10.0.0.7:502')).toEqual([
      expect.stringMatching(/^site\.yaml:7:.*DL\/T 645 does not go over modbus-tcp/),
    ]);
  });

  it('says where a value is wrong and what was expected', () => {
    expect(broken('"000000000161"', '161')).toEqual([
      'site.yaml:7:38: buses.0.meters.0.address: expected string, received number',
    ]);
    expect(broken('"000000000161"', '"161"')[0]).toMatch(/^site\.yaml:7:38: .*expected the 12 digits/);
    expect(broken('"000000000161"', '"999999999999"')[0]).toMatch(/^site\.yaml:7:38: .*expected the 12 digits/);
    expect(broken('"000000000161"', '"AAAAAA000161"')[0]).toMatch(/^site\.yaml:7:38: .*only in 1997/);
    expect(broken('"000000000161"', '"AAAAAA000161", standard: "1997"')).toEqual([]);
    expect(broken('"000000000161"', '"AAAAAAAAAAAA", standard: "1997"')[0]).toMatch(/expected the 12 digits/);
    expect(broken('gw-1', 'gw/1')[0]).toMatch(/^site\.yaml:3:7: gateway\.id: expected letters/);
    expect(broken('premises: flat', 'premises: palace')[0]).toMatch(/^site\.yaml:7:64: .*premises/);
    expect(broken('mqtt://127.0.0.1:1883', 'http://x')[0]).toMatch(
      /^site\.yaml:10:13: uplink\.brokers\.0: expected mqtt:/,
    );
  });

  it('names an unknown key where it stands, and those that there are', () => {
    expect(broken('fuseA', 'fuzeA')).toEqual([
      expect.stringMatching(
        /^site\.yaml:7:70: buses\.0\.meters\.0\.fuzeA: unknown key: expected one of protocol, address, .*fuseA/,
      ),
    ]);
    expect(broken('  id: gw-1', '  id: gw-1\n  zone: UTC')).toEqual([
      'site.yaml:4:3: gateway.zone: unknown key: expected one of id, timezone',
    ]);
  });

  it('knows the register maps and the detectors', () => {
    expect(broken('profile: sdm630', 'profile: sdm631')[0]).toMatch(
      /^site\.yaml:8:\d+: .*expected one of .*sdm630.*, got sdm631$/,
    );
    expect(problems(`${GOOD}detectors:\n  overlod: { a: 1 }\n`)).toEqual([
      expect.stringMatching(/^site\.yaml:12:3: detectors\.overlod: unknown detector: expected one of .*overload/),
    ]);
  });

  it('knows the settings of each detector, and what kind of value they take', () => {
    expect(
      problems(`${GOOD}detectors:\n  low-balance: { warnDays: 3 }\n  illegal-charging: { holdMin: 20 }\n`),
    ).toEqual([]);
    expect(
      problems(`${GOOD}detectors:\n  overload: { overRatioo: 1.1, thermal: 3 }\n  leakage: { holdMin: long }\n`),
    ).toEqual([
      expect.stringMatching(
        /^site\.yaml:12:27: detectors\.overload\.overRatioo: unknown setting: expected one of overRatio/,
      ),
      expect.stringContaining('detectors.overload.thermal: unknown setting'),
      'site.yaml:13:23: detectors.leakage.holdMin: expected a number, such as 10',
    ]);
  });

  it('says what no schema can see beside what one can', () => {
    const text = GOOD.replace('parity=even', 'parity=maybe').replace('gw-1', 'gw/1').replace('sdm630', 'sdm631');
    expect(problems(text)).toHaveLength(3);
  });

  it('takes an alias without its anchor for a problem of the file', () => {
    expect(problems(`${GOOD}page: *nowhere\n`)).toEqual([expect.stringContaining('site.yaml:1:1: ')]);
  });

  it('reports every problem at once', () => {
    expect(
      problems(GOOD.replace('gw-1', 'gw/1').replace('unit: 3', 'unit: 0').replace('brokers', 'broker')),
    ).toHaveLength(4);
  });

  it('reports a missing part and broken YAML with a place', () => {
    expect(problems('gateway: { id: a }\n')).toHaveLength(2);
    expect(problems('gateway: { id: a\n')[0]).toMatch(/^site\.yaml:\d+:\d+: /);
    expect(problems('- uplink: 1\n')).toEqual([
      'site.yaml:1:1: no site file: expected YAML with gateway, buses and uplink',
    ]);
    expect(problems('uplink: 1\n---\nbuses: 2\n')).toEqual([
      expect.stringMatching(/^site\.yaml:2:1: expected one doc/),
    ]);
  });

  it.each([
    ['nothing', ''],
    ['prose', 'Hello, this is: a text.\nAnd more of it, `with` all sorts: of *signs*.\n'],
    ['a program', '\u007fELF\u0002\u0001\0\0[[[{{{: \n\t}'],
    ['a list', '- 1\n'],
    ['another document', 'name: a\nstart: 2024-01-01\n'],
  ])('says of %s in one line that it is no site file', (_, text) => {
    expect(problems(text)).toEqual(['site.yaml:1:1: no site file: expected YAML with gateway, buses and uplink']);
  });

  it.each([
    ['  id: gw-1', '\tid: gw-1', 3, /a tab does not indent/],
    ['  id: gw-1', '   id: gw-1\n  timezone: UTC', 4, /same indentation/],
    ['  - port: /dev', '  - port /dev', 5, /a colon is missing/],
    ['id: shop-3', 'id: "shop-3', 11, /missing, here or further up/],
    ['  id: gw-1', '  id: gw: 1', 3, /goes in quotes/],
    ['  id: gw-1', '  id: gw-1\n  id: gw-2', 4, /stands twice/],
  ])('tells in plain words what is broken where %j became %j', (from, to, line, words) => {
    const [first = ''] = problems(GOOD.replace(from, to));
    expect(Number(first.split(':')[1])).toBe(line);
    expect(first).toMatch(words);
    expect(problems(GOOD.replace(from, to)).join()).not.toMatch(/token|scalar|implicit|mapping|flow/i);
  });

  it('names every file that the gateway will want, where it stands', () => {
    const { files = [] } = loadSite(
      `${GOOD}  passwordFile: b.pin
  tls: { caFile: ca.pem, certFile: gw.pem, keyFile: gw.key }
  dialect: { file: d.json }
commands:
  keys: [{ id: k, publicKeyFile: k.pem, roles: [viewer] }]
page: { listen: "127.0.0.1:80", passwordFile: page.hash }
`.replace('fuseA: 40', 'authority: { passwordFile: m.pin }'),
      'site.yaml',
    );
    expect(files.map(({ names, line, path }) => `${line} ${path} ${names}`)).toEqual([
      '7 buses.0.meters.0.authority.passwordFile m.pin',
      '11 uplink.passwordFile b.pin',
      '12 uplink.tls.caFile ca.pem',
      '12 uplink.tls.certFile gw.pem',
      '12 uplink.tls.keyFile gw.key',
      '13 uplink.dialect.file d.json',
      '15 commands.keys.0.publicKeyFile k.pem',
      '16 page.passwordFile page.hash',
    ]);
  });

  it('refuses an address, an id and a port used twice, with both places', () => {
    const twice = GOOD.replace(
      '      - { protocol: modbus',
      '      - { protocol: dlt645, address: "000000000161", id: b }\n      - { protocol: modbus',
    );
    expect(problems(twice)).toEqual([
      'site.yaml:8:9: buses.0.meters.1: 000000000161 stands twice on this bus, first at meters.0',
    ]);
    const sameId = GOOD.replace('shop-3', '"000000000161"');
    expect(problems(sameId)[0]).toMatch(/already used at buses\.0\.meters\.0/);
    const samePort = GOOD.replace(
      'uplink:',
      '  - port: /dev/ttyS1\n    meters: [{ protocol: modbus, unit: 1, profile: sdm630 }]\nuplink:',
    );
    expect(problems(samePort)[0]).toMatch(/one owner per port/);
  });
});
