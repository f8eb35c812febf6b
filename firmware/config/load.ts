/** Reads a site file and says everything that is wrong with it at once, each with line and column. */
import { type Document, isMap, isScalar, LineCounter, type Node, parseDocument } from 'yaml';
import { z } from 'zod';
import { formatTarget, parsePortAddress } from '../port-address.ts';
import { meterId } from './meter-id.ts';
import { namedFiles } from './named-files.ts';
import type { Problem } from './problem.ts';
import { type Site, siteSchema } from './site.ts';
import { yamlWords } from './yaml-words.ts';

/** A site with the files it names, as what a reader would say of each that is missing; or everything that is wrong. */
export type Loaded =
  | { site: Site; files: Named[]; problems: [] }
  | { site?: never; files?: never; problems: Problem[] };

/** Where a file is named, and the name. */
export type Named = Omit<Problem, 'message'> & { names: string };

type Path = readonly (string | number)[];

/** One of these begins a line of every site file, or of the braces of one in JSON. */
const HEADS = /^[{\s]*["']?(gateway|buses|uplink)["']?\s*:/m;
const NO_SITE = 'no site file: expected YAML with gateway, buses and uplink';
/** After the first few a parser only stumbles over what came before. */
const ERRORS_MOST = 5;

/**
 * @param text the YAML document
 * @param file its name, for the problems
 */
export function loadSite(text: string, file: string): Loaded {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const place = (offset: number, path: Path): Omit<Problem, 'message'> => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col), path: path.join('.') };
  };
  const problem = (offset: number, path: Path, message: string): Problem => ({ ...place(offset, path), message });
  if (!HEADS.test(text)) return { problems: [problem(0, [], NO_SITE)] };
  if (document.errors.length > 0) {
    return {
      problems: document.errors.slice(0, ERRORS_MOST).map((error) => problem(error.pos[0], [], yamlWords(error))),
    };
  }
  const at = (path: Path, what: 'value' | 'key' = 'value') => offsetOf(document.contents, path, what);
  const content = contentOf(document);
  if ('problem' in content) return { problems: [problem(0, [], content.problem)] };
  const parsed = siteSchema.safeParse(content.value, { error: nameKnownKeys });
  if (!parsed.success) {
    return {
      problems: parsed.error.issues.flatMap((issue) => {
        const path = issue.path as (string | number)[];
        // An unknown key is reported at the key itself, not at the map that holds it.
        if (issue.code !== 'unrecognized_keys')
          return [problem(at(path), path, issue.message.replace(/^Invalid input: /, ''))];
        return issue.keys.map((key) => problem(at([...path, key], 'key'), [...path, key], issue.message));
      }),
    };
  }
  const problems = crossCheck(parsed.data).map(({ path, message }) => problem(at(path), path, message));
  if (problems.length > 0) return { problems };
  const files = namedFiles(parsed.data).map(({ path, file: names }) => ({ ...place(at(path), path), names }));
  return { site: parsed.data, files, problems: [] };
}

/** Which keys there are where one is unknown: half of them are only spelt wrongly. */
const nameKnownKeys: z.core.$ZodErrorMap = ({ code, inst }) =>
  code === 'unrecognized_keys' && inst instanceof z.ZodObject
    ? `unknown key: expected one of ${Object.keys(inst.shape).join(', ')}`
    : undefined;

/** The document as plain values; an alias without its anchor, or one too many of them, is a problem. */
function contentOf(document: Document): { value: unknown } | { problem: string } {
  try {
    return { value: document.toJS() };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

/** What a schema cannot see: things that must agree with each other. */
function crossCheck(site: Site): { path: Path; message: string }[] {
  const found: { path: Path; message: string }[] = [];
  const ids = new Map<string, string>();
  const ports = new Map<string, number>();
  site.buses.forEach((bus, b) => {
    const port = parsePortAddress(bus.port);
    const path = 'problem' in port ? bus.port : formatTarget(port.target);
    const before = ports.get(path);
    if (before !== undefined) {
      found.push({
        path: ['buses', b, 'port'],
        message: `port ${path} is already used by buses.${before}: one owner per port`,
      });
    }
    ports.set(path, b);
    const isTcp = 'target' in port && port.target.kind === 'modbus-tcp';
    const onWire = new Map<string, number>();
    bus.meters.forEach((meter, m) => {
      const where: Path = ['buses', b, 'meters', m];
      const wire = meter.protocol === 'dlt645' ? meter.address : `unit ${meter.unit}`;
      if (isTcp && meter.protocol === 'dlt645')
        found.push({ path: where, message: 'DL/T 645 does not go over modbus-tcp://: expected tcp:// or a tty' });
      if (!isTcp && meter.protocol === 'modbus' && meter.unit > 247)
        found.push({ path: [...where, 'unit'], message: `unit ${meter.unit}: expected 1 to 247 on a line` });
      const twin = onWire.get(wire);
      if (twin !== undefined)
        found.push({ path: where, message: `${wire} stands twice on this bus, first at meters.${twin}` });
      onWire.set(wire, m);
      const id = meterId(meter);
      const other = ids.get(id);
      if (other !== undefined && twin === undefined) {
        found.push({ path: where, message: `id ${id} is already used at ${other}: give one of them an id of its own` });
      }
      ids.set(id, where.join('.'));
      const { grid } = meter;
      if (grid !== undefined && Object.keys(site.grid).length > 0 && !(grid in site.grid)) {
        found.push({ path: [...where, 'grid'], message: `grid cell ${grid} is not described under grid:` });
      }
    });
  });
  if (ids.size > 1024)
    found.push({ path: ['buses'], message: `${ids.size} meters: expected at most 1024 on one gateway` });
  return found;
}

/** Byte offset of the node at `path`, or of the nearest node above it that exists. */
function offsetOf(root: Node | null, path: Path, what: 'value' | 'key'): number {
  let node: Node | null | undefined = root;
  let offset = root?.range?.[0] ?? 0;
  for (const [depth, key] of path.entries()) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && item.key.value === key);
      if (pair === undefined) break;
      const value = pair.value as Node | null;
      const last = depth === path.length - 1;
      // The value where it is a scalar, the key where the value spans lines.
      const target = last && what === 'value' && isScalar(value) ? value : (pair.key as Node);
      offset = target.range?.[0] ?? offset;
      node = value;
    } else {
      node = (node as { items?: Node[] } | null | undefined)?.items?.[Number(key)];
      offset = node?.range?.[0] ?? offset;
    }
  }
  return offset;
}
