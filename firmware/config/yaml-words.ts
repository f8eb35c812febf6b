/** What the parser found wrong with a document, in the words of somebody who writes one on a ladder. */
import type { ErrorCode, YAMLParseError } from 'yaml';

/** The parser's own words name its grammar, and some repeat whatever the file holds. */
const WORDS: Partial<Record<ErrorCode, string>> = {
  BAD_INDENT: 'expected the same indentation as the lines it belongs to, and every [ and { closed',
  BLOCK_AS_IMPLICIT_KEY: 'expected one key on this line: a value with a colon and a space in it goes in quotes',
  BLOCK_IN_FLOW: 'expected every [ and { closed before this line',
  DUPLICATE_KEY: 'expected each key once: this one stands twice',
  MISSING_CHAR: 'expected a quote, bracket or colon that is missing, here or further up',
  MULTILINE_IMPLICIT_KEY: 'expected "key: value": a colon is missing here or on the next line',
  MULTIPLE_DOCS: 'expected one document: there is a line of --- too many',
  TAB_AS_INDENT: 'expected spaces: a tab does not indent',
  UNEXPECTED_TOKEN: 'expected "key: value", and every quote, [ and { closed',
};

/** One line without a word of the file itself: it may be no text at all, or hold a password. */
export function yamlWords({ code, message }: YAMLParseError): string {
  return WORDS[code] ?? (message.split(/["\n]/, 1)[0] ?? '').slice(0, 120).trim();
}
