/** What is wrong with a site file, for people. */

/** One thing wrong: where it stands and what was expected there. */
export interface Problem {
  file: string;
  line: number;
  column: number;
  /** Where in the document, `buses.0.meters.2.address`. */
  path: string;
  message: string;
}

/** `site.yaml:12:9: buses.0.meters.1.address: expected …` */
export function formatProblem({ file, line, column, path, message }: Problem): string {
  return `${file}:${line}:${column}: ${path === '' ? '' : `${path}: `}${message}`;
}
