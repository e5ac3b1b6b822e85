import { useState, type FormEvent } from "react";
import { useNavigate } from "react-router";
import { OstiaryError, returnTo } from "@ostiary/client";
import { ostiary } from "./ostiary.js";
import { SignInByCode } from "./sign_in_by_code.js";

export function SignIn() {
  const navigate = useNavigate();
  const [problem, setProblem] = useState("");
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    try {
      await ostiary.signIn({ method: "password", email: String(form.get("email")), secret: String(form.get("secret")) });
      await navigate(returnTo(location.href));
    } catch (error) {
      setProblem(error instanceof OstiaryError ? error.text() : "The service cannot be reached.");
    }
  };
  return (
    <>
      <form onSubmit={(event) => void submit(event)}>
        <h1>Sign in</h1>
        <p role="alert">{problem}</p>
        <label>
          Email address <input name="email" type="email" autoComplete="username" required />
        </label>
        <label>
          Password <input name="secret" type="password" autoComplete="current-password" required />
        </label>
        <button>Sign in</button>
      </form>
      <SignInByCode />
    </>
  );
}
