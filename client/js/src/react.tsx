import {
  createContext,
  useCallback,
  useContext,
  useEffect,
  useMemo,
  useState,
  useSyncExternalStore,
  type ReactNode,
} from "react";
import { canOf, type Can, type SubjectId } from "./abilities.js";
import type { components } from "./generated/api.js";
import type { Action, SubjectType } from "./generated/subjects.js";
import type { Ostiary } from "./index.js";
import { stateOf, type SessionState } from "./session_store.js";

const Context = createContext<{ ostiary: Ostiary; initial: SessionState } | null>(null);

/** Gives a client to the components inside. */
export function OstiaryProvider({ ostiary, children }: { ostiary: Ostiary; children?: ReactNode }): ReactNode {
  // What the server has rendered with: the page must begin with the same, whatever is known by then.
  const initial = useMemo(() => stateOf(ostiary.options.session ?? null), [ostiary]);
  const value = useMemo(() => ({ ostiary, initial }), [ostiary, initial]);
  return <Context.Provider value={value}>{children}</Context.Provider>;
}

/** The client of the provider. Throws without one. */
export function useOstiary(): Ostiary {
  return useProvided().ostiary;
}

/** Who is signed in, as known now: `{ status, session, error }`. */
export function useSession(): SessionState {
  const { ostiary, initial } = useProvided();
  return useSyncExternalStore(ostiary.subscribe, ostiary.state, () => initial);
}

/** `can(action, subject, id?, field?)` with the rules that are known now: no while nothing is known. */
export function useCan(): Can {
  const { session } = useSession();
  return useMemo(() => canOf(session), [session]);
}

interface UserCanProps {
  action: Action;
  subject: SubjectType;
  /** Without it the question is about the type. Undefined is a missing id, and denied. */
  id?: SubjectId;
  field?: string;
  /** What to show to those who may not. */
  fallback?: ReactNode;
  /** What to show while nothing is known. */
  pending?: ReactNode;
  /** A function is called with whether the user may, and `fallback` is not shown. */
  children?: ReactNode | ((can: boolean) => ReactNode);
}

/** Shows its children to users who may. */
export function UserCan(props: UserCanProps): ReactNode {
  const { action, subject, field, fallback = null, pending = null, children } = props;
  const { status } = useSession();
  const can = useCan();
  if (status === "pending") return pending;
  const may = can(action, subject, "id" in props ? (props.id as SubjectId) : null, field);
  if (typeof children === "function") return children(may);
  return may ? children : fallback;
}

/** Shows its children to a signed-in user. */
export function SignedIn({ children }: { children?: ReactNode }): ReactNode {
  return useSession().status === "signedIn" ? children : null;
}

/** Shows its children while nobody is signed in. */
export function SignedOut({ children }: { children?: ReactNode }): ReactNode {
  return useSession().status === "signedOut" ? children : null;
}

export interface KeyRequest {
  /** Ask for a code by mail. What the service refuses is thrown, and is `error` too. */
  request: Ostiary["requestKey"];
  /** The answer to the latest request. */
  asked: components["schemas"]["KeyRequested"] | null;
  pending: boolean;
  error: unknown;
  /** After how many seconds a new code can be asked for: counts down to 0. */
  resendIn: number;
}

/** What a form that asks for a code needs. */
export function useRequestKey(): KeyRequest {
  const { ostiary } = useProvided();
  const [known, setKnown] = useState<Omit<KeyRequest, "request" | "resendIn">>({ asked: null, pending: false, error: null });
  const [resendIn, setResendIn] = useState(0);
  const request = useCallback<Ostiary["requestKey"]>(
    async (wanted) => {
      setKnown((before) => ({ ...before, pending: true, error: null }));
      try {
        const asked = await ostiary.requestKey(wanted);
        setKnown({ asked, pending: false, error: null });
        setResendIn(asked.resendAfter);
        return asked;
      } catch (error) {
        setKnown((before) => ({ ...before, pending: false, error }));
        throw error;
      }
    },
    [ostiary],
  );
  useEffect(() => {
    if (resendIn <= 0) return undefined;
    const timer = setTimeout(() => setResendIn(resendIn - 1), 1000);
    return () => clearTimeout(timer);
  }, [resendIn]);
  return { request, ...known, resendIn };
}

function useProvided(): { ostiary: Ostiary; initial: SessionState } {
  const provided = useContext(Context);
  if (!provided) throw new Error("There is no <OstiaryProvider> around this component");
  return provided;
}
