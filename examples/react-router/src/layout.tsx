import { Link, Outlet, useNavigate, useRouteError } from "react-router";
import { SignedIn, SignedOut, useSession, UserCan } from "@ostiary/client/react";
import { refusedBy } from "@ostiary/client/react-router";
import { ostiary } from "./ostiary.js";

export function Layout() {
  const { session } = useSession();
  const navigate = useNavigate();
  const signOut = async () => {
    await ostiary.signOut();
    await navigate("/sign-in");
  };
  return (
    <>
      <header>
        <Link to="/">Translations</Link>
        <SignedIn>
          <span>{session?.user?.name}</span>
          <UserCan action="create" subject="Language">
            <span>You may create languages</span>
          </UserCan>
          <button onClick={() => void signOut()}>Sign out</button>
        </SignedIn>
        <SignedOut>
          <span>Nobody is signed in</span>
        </SignedOut>
      </header>
      <main>
        <Outlet />
      </main>
    </>
  );
}

export function Refused() {
  const error = useRouteError();
  const refused = refusedBy(error);
  return <p role="alert">{refused ? `You may not see this. ${refused.reason ?? ""}` : String(error)}</p>;
}
