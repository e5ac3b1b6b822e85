import type { paths } from "./generated/api.js";

interface Page<Item> {
  readonly items: Item[];
  readonly nextCursor: string | null;
}

/** The success of `GET` on a path. */
type Got<Path extends keyof paths> = paths[Path] extends {
  get: { responses: { 200: { content: { "application/json": infer Body } } } };
}
  ? Body
  : never;

/** The paths of lists that are read page by page. */
export type ListPath = { [Path in keyof paths]: Got<Path> extends Page<unknown> ? Path : never }[keyof paths];
export type ItemOf<Path extends ListPath> = Got<Path> extends Page<infer Item> ? Item : never;

type ParametersOf<Path extends ListPath> = paths[Path] extends { get: { parameters: infer Parameters } } ? Parameters : never;
type PathOf<Path extends ListPath> = ParametersOf<Path> extends { path: infer Names } ? { path: Names } : { path?: never };
type QueryOf<Path extends ListPath> = ParametersOf<Path> extends { query?: infer Query } ? { query?: Query } : { query?: never };
export type ListParameters<Path extends ListPath> = PathOf<Path> & QueryOf<Path>;

/** All items of a list, of which the next page is read when the last item of the page before has been taken. */
export async function* itemsOf<Item>(
  readPage: (cursor: string | undefined) => Promise<Page<Item>>,
): AsyncGenerator<Item, void, undefined> {
  let cursor: string | undefined;
  do {
    const page = await readPage(cursor);
    yield* page.items;
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
}
