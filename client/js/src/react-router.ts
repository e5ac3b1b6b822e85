import type { LoaderFunctionArgs } from "react-router";
import { createAuthorize as createFor, type Authorize, type Refused } from "./authorize.js";
import type { Ostiary } from "./index.js";

export interface Options {
  /** Load the pages to which it leads as documents, because they are no routes of this router. Default: false. */
  reloadDocument?: boolean;
}

/**
 * `authorize` for loaders of React Router, in the browser or on the server. It wraps loaders and is no middleware: a
 * redirect that middleware throws in data mode still loads the module of the route.
 */
export function createAuthorize(
  ostiary: Ostiary | ((args: LoaderFunctionArgs) => Ostiary),
  { reloadDocument = false }: Options = {},
): Authorize<LoaderFunctionArgs> {
  return createFor<LoaderFunctionArgs>(ostiary, {
    redirect: (url) => {
      const headers = { Location: url, ...(reloadDocument && { "X-Remix-Reload-Document": "true" }) };
      return new Response(null, { status: 302, headers });
    },
    refuse: (body) => Response.json(body, { status: 403, statusText: "Forbidden" }),
  });
}

/** What `authorize` has refused, from `useRouteError()`; null for any other error. */
export function refusedBy(error: unknown): Refused | null {
  const { status, data } = (error ?? {}) as { status?: unknown; data?: { code?: unknown } | null };
  return status === 403 && data?.code === "forbidden" ? (data as Refused) : null;
}
