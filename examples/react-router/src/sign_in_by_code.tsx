import { useState, type FormEvent } from "react";
import { useNavigate } from "react-router";
import { OstiaryError, returnTo } from "@ostiary/client";
import { useRequestKey } from "@ostiary/client/react";
import { ostiary } from "./ostiary.js";

export function SignInByCode() {
  const navigate = useNavigate();
  const { request, asked, pending, resendIn } = useRequestKey();
  const [email, setEmail] = useState("");
  const [problem, setProblem] = useState("");
  const attempt = (work: (form: FormData) => Promise<unknown>) => (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    setProblem("");
    work(new FormData(event.currentTarget)).catch((error: unknown) =>
      setProblem(error instanceof OstiaryError ? error.text() : "The service cannot be reached."),
    );
  };
  const ask = attempt(() => request({ purpose: "sign_in", email }));
  const enter = attempt(async (form) => {
    await ostiary.signIn({ method: "code", email, code: String(form.get("code")) });
    await navigate(returnTo(location.href));
  });
  return (
    <section>
      <h2>Or by a code</h2>
      <p role="status">{problem}</p>
      <form onSubmit={ask}>
        <label>
          Mailbox for the code{" "}
          <input type="email" required value={email} onChange={(event) => setEmail(event.target.value)} />
        </label>
        <button disabled={pending || resendIn > 0}>
          {resendIn > 0 ? `Ask again in ${resendIn} s` : "Email me a code"}
        </button>
      </form>
      {asked && (
        <form onSubmit={enter}>
          <label>
            Code from the mail <input name="code" autoComplete="one-time-code" inputMode="numeric" required />
          </label>
          <button>Continue</button>
        </form>
      )}
    </section>
  );
}
