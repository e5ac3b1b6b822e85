/** What happens besides the request: to the session that is known, and to prove who one is. */
export interface Reactions {
  /** The service has answered 401, or 403: what is known of the session may be outdated. */
  refused(): void;
  /** Ask the user to prove who they are. Resolves to whether they have. */
  stepUp: (() => Promise<boolean>) | null;
}

// The browser gets the cookie of a renewal with the answer to another request, which can take as long as its way back.
const REPLACED_AGAIN_AFTER_MS = [50, 400];

/**
 * `fetch` with the cookie, which repeats a request that another tab's renewal has overtaken, and one for which the user
 * has to prove who they are.
 */
export function transport(send: typeof fetch, reactions: Reactions): (request: Request) => Promise<Response> {
  async function sendCurrent(request: Request): Promise<Response> {
    let response = await send(request.clone());
    for (const wait of REPLACED_AGAIN_AFTER_MS) {
      if (response.status !== 401 || (await codeOf(response)) !== "session_replaced") break;
      await new Promise((resolve) => setTimeout(resolve, wait));
      response = await send(request.clone());
    }
    return response;
  }

  return async (request) => {
    let response = await sendCurrent(request);
    if (response.status !== 401 && response.status !== 403) return response;
    const stale = reactions.stepUp && (await codeOf(response)) === "reauthentication_required";
    if (stale && (await reactions.stepUp!())) response = await sendCurrent(request);
    if (response.status === 401 || response.status === 403) reactions.refused();
    return response;
  };
}

async function codeOf(response: Response): Promise<unknown> {
  const body: unknown = await response.clone().json().catch(() => null);
  return (body as { code?: unknown } | null)?.code;
}
