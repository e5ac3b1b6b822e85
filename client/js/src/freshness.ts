import type { SessionStore } from "./session_store.js";

const FOCUS_AFTER_MS = 1_000;
const POLL_MS = 60_000;
const IDLE_MS = 5 * 60_000;
const SIGNED_OUT = "signed out";
const CHANGED = "changed";

/**
 * Keeps the store of a page fresh from the first `start` on: when the page gets the focus, when another tab has signed in
 * or out, and at the events of the service, or once a minute where it offers none. Polling pauses after 5 minutes without
 * a touch or key, because a request is a use of the session, which would never expire.
 */
export function freshness(store: SessionStore, baseUrl: string, events: boolean) {
  const name = `ostiary ${baseUrl}`;
  let channel: BroadcastChannel | null = null;
  let stop: (() => void) | null = null;
  const refresh = (): void => void store.refresh().catch(() => {}); // the state tells the error

  function begin(): () => void {
    const stopped = new AbortController();
    const { signal } = stopped;
    channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel(name);
    (channel as { unref?(): void } | null)?.unref?.(); // Node.js would wait for messages
    channel?.addEventListener("message", ({ data }: MessageEvent<unknown>) => {
      if (data === SIGNED_OUT) store.set(ANONYMOUS);
      else refresh();
    });
    let touchedAt = Date.now();
    let listens = false;
    const onFocus = (): void => {
      if (document.visibilityState === "visible" && store.age() > FOCUS_AFTER_MS) refresh();
    };
    const onTouch = (): void => void (touchedAt = Date.now());
    let timer: ReturnType<typeof setInterval> | undefined;
    if (typeof document !== "undefined") {
      for (const type of ["focus", "pageshow", "online"]) addEventListener(type, onFocus, { signal });
      document.addEventListener("visibilitychange", onFocus, { signal });
      for (const type of ["pointerdown", "keydown"]) addEventListener(type, onTouch, { signal, passive: true, capture: true });
      timer = setInterval(() => {
        if (!listens && Date.now() - touchedAt < IDLE_MS) onFocus();
      }, POLL_MS);
      if (events) listen(signal, (is) => (listens = is));
    }
    return () => {
      stopped.abort();
      clearInterval(timer);
      channel?.close();
      channel = null;
    };
  }

  /** Listen to the service while somebody is signed in: in one tab of all, which tells the others, because browsers
   *  open few connections to one host. */
  function listen(signal: AbortSignal, onChange: (listens: boolean) => void): void {
    if (typeof EventSource === "undefined" || !navigator.locks) return;
    const wait = (until: boolean): Promise<void> =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!signal.aborted && (store.state().status === "signedIn") !== until) return;
          unsubscribe();
          resolve();
        };
        const unsubscribe = store.subscribe(look);
        signal.addEventListener("abort", look);
        look();
      });
    const hold = async (): Promise<void> => {
      const config = await fetch(`${baseUrl}/api/config`).then((response) => response.json() as Promise<{ sessionEvents?: boolean }>);
      while (config.sessionEvents && !signal.aborted) {
        await wait(true);
        if (signal.aborted) return;
        const source = new EventSource(`${baseUrl}/api/session/events`, { withCredentials: true });
        const changed = (): void => {
          refresh();
          channel?.postMessage(CHANGED);
        };
        let opened = false;
        // Not `onopen`: a proxy may pass on the head alone, and hold the events back.
        source.addEventListener("listening", () => {
          if (opened) changed(); // there may have been events meanwhile
          onChange((opened = true));
        });
        const refused = new Promise<void>((resolve) => {
          source.onerror = () => {
            onChange(false);
            changed(); // a session that ends without a known reason ends its stream alone
            if (source.readyState === source.CLOSED) setTimeout(resolve, POLL_MS);
          };
        });
        for (const type of ["rules", "ended"]) source.addEventListener(type, changed);
        await Promise.race([wait(false), refused]);
        source.close();
        onChange(false);
      }
    };
    navigator.locks.request(name, { signal }, hold).catch(() => {}); // stopped while another tab listens, or the service is away
  }

  return {
    start: (): void => void (stop ??= begin()),
    stop(): void {
      stop?.();
      stop = null;
    },
    /** Tell other tabs that they must read again, or that this one has signed out. */
    tell(signedOut: boolean): void {
      if (typeof BroadcastChannel === "undefined") return;
      const one = channel ?? new BroadcastChannel(name);
      one.postMessage(signedOut ? SIGNED_OUT : CHANGED);
      if (one !== channel) one.close();
    },
  };
}

/** What the service answers to somebody who has signed out. */
export const ANONYMOUS = Object.freeze({ user: null, session: null, memberships: [], onboarding: null, rules: [], ended: null });
