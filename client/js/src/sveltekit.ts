import { error, redirect, type LoadEvent, type ServerLoadEvent } from "@sveltejs/kit";
import { createAuthorize as createFor, type Authorize } from "./authorize.js";
import type { Ostiary } from "./index.js";

/** `authorize` for `load` functions of SvelteKit: it throws the `redirect` and the `error` of SvelteKit. */
export function createAuthorize<Event extends LoadEvent | ServerLoadEvent>(
  ostiary: Ostiary | ((event: Event) => Ostiary),
): Authorize<Event> {
  return createFor<Event>(ostiary, {
    redirect: (url) => caught(() => redirect(303, url)),
    refuse: ({ reason }) => caught(() => error(403, reason ?? "Forbidden")),
  });
}

/** What SvelteKit throws by itself. */
function caught(call: () => never): unknown {
  try {
    return call();
  } catch (thrown) {
    return thrown;
  }
}
