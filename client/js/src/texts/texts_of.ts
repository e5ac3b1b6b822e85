/** What a text depends on, such as `{ min: 15 }`. */
export type Params = Readonly<Record<string, string | number>>;

/** The words of one language. `better` has texts for a parameter (`min`), or for one value of a parameter (`min_1`). */
export interface Words {
  readonly duration: Readonly<Record<string, string>>;
  readonly problem: Readonly<Record<string, string>>;
  readonly field: Readonly<Record<string, string>>;
  readonly better: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** The texts of errors in one language: undefined for a code that they do not know. */
export interface Texts {
  problem(code: string, params: Params): string | undefined;
  field(code: string, params: Params): string | undefined;
}

const IN_SECONDS = ["retryAfter", "lifetime"];
const HOUR = 3600;
const DAY = 24 * HOUR;
const UNITS: readonly (readonly [string, number])[] = [["day", 24 * 60], ["hour", 60], ["minute", 1]];

/** Texts that are chosen and filled in as the server does (app/words/problem_texts.py). */
export function textsOf(words: Words): Texts {
  const choose = (kind: "problem" | "field", code: string, params: Params): string | undefined => {
    const better = words.better[`${kind}.${code}`] ?? {};
    for (const [key, value] of Object.entries(params)) {
      for (const name of [`${key}_${value}`, key]) {
        const filled = better[name] && fill(better[name], params, words);
        if (filled) return filled;
      }
    }
    return words[kind][code];
  };
  return { problem: (code, params) => choose("problem", code, params), field: (code, params) => choose("field", code, params) };
}

/** The text with a value in place of each name in braces; undefined if one is not known. */
function fill(text: string, params: Params, words: Words): string | undefined {
  const names = [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]!);
  if (names.some((name) => !Object.hasOwn(params, name))) return undefined;
  return text.replace(/\{(\w+)\}/g, (_, name: string) => String(readable(name, params[name]!, words)));
}

function readable(name: string, value: string | number, words: Words): string | number {
  if (!IN_SECONDS.includes(name) || typeof value === "string") return value;
  const rounding = value > 2 * DAY ? DAY : value > 2 * HOUR ? HOUR : 1;
  const minutes = Math.max(Math.floor((Math.ceil(value / rounding) * rounding + 30) / 60), 1);
  const [unit, size] = UNITS.find(([, size]) => minutes % size === 0)!;
  const count = minutes / size;
  return words.duration[count === 1 ? unit : `${unit}s`]!.replace("{count}", String(count));
}
