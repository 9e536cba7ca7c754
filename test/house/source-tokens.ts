// Source text as tokens, by TypeScript's own scanner: comments are dropped, strings are told from code.
import { createScanner, SyntaxKind } from 'typescript/unstable/ast';

export type Token = {
  readonly kind: 'word' | 'string' | 'mark';
  /** A string's value without its quotes; otherwise the text as written. */
  readonly text: string;
  /** Counted from 1. */
  readonly line: number;
};

/** Tokens in order. Templates with substitutions give their text parts as strings and the substitutions' tokens between. */
export function tokensOf(text: string): readonly Token[] {
  const scanner = createScanner(true, undefined, text);
  const tokens: Token[] = [];
  // For each open template substitution, how many braces are open inside it.
  const openBraces: number[] = [];
  let line = 1;
  let lineSeenUpTo = 0;
  for (;;) {
    let kind = scanner.scan();
    if (kind === SyntaxKind.EndOfFile) return tokens;
    if (kind === SyntaxKind.SlashToken && isRegularExpressionNext(tokens.at(-1))) kind = scanner.reScanSlashToken();
    const depth = openBraces.length - 1;
    if (kind === SyntaxKind.OpenBraceToken && depth >= 0) openBraces[depth] = (openBraces[depth] ?? 0) + 1;
    if (kind === SyntaxKind.CloseBraceToken && depth >= 0) {
      if (openBraces[depth] === 0) kind = scanner.reScanTemplateToken(false);
      else openBraces[depth] = (openBraces[depth] ?? 0) - 1;
    }
    if (kind === SyntaxKind.TemplateHead) openBraces.push(0);
    if (kind === SyntaxKind.TemplateTail) openBraces.pop();
    const start = scanner.getTokenStart();
    for (; lineSeenUpTo < start; lineSeenUpTo++) if (text[lineSeenUpTo] === '\n') line += 1;
    tokens.push({ ...asToken(kind, scanner.getTokenText(), scanner.getTokenValue()), line });
  }
}

function asToken(kind: SyntaxKind, text: string, value: string): Pick<Token, 'kind' | 'text'> {
  if (STRING_KINDS.has(kind)) return { kind: 'string', text: value };
  return /^[\p{L}_$#]/u.test(text) ? { kind: 'word', text } : { kind: 'mark', text };
}

const STRING_KINDS: ReadonlySet<SyntaxKind> = new Set([
  SyntaxKind.StringLiteral,
  SyntaxKind.NoSubstitutionTemplateLiteral,
  SyntaxKind.TemplateHead,
  SyntaxKind.TemplateMiddle,
  SyntaxKind.TemplateTail,
]);

/** After a value a slash divides; elsewhere it opens a regular expression. */
function isRegularExpressionNext(previous: Token | undefined): boolean {
  if (previous === undefined) return true;
  if (previous.kind === 'string') return false;
  if (previous.kind === 'word') return WORDS_BEFORE_A_VALUE.has(previous.text);
  return !/^[\d)\]}]/.test(previous.text);
}

const WORDS_BEFORE_A_VALUE: ReadonlySet<string> = new Set(['return', 'case', 'typeof', 'in', 'of', 'await', 'yield']);
