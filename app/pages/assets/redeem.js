// The page of a link: takes the token out of the address at once, and hands it to the server, which consumes nothing.

const token = new URLSearchParams(location.hash.slice(1)).get("token");

if (token) {
  history.replaceState(null, "", location.pathname);
  document.querySelector("main").hidden = true;
  const answer = await fetch("/redeem/link", {
    method: "POST",
    body: new URLSearchParams({ token }),
    redirect: "manual",
  });
  // A redirect, which is opaque here: the server has the token. Otherwise the text is not a token: it is to be pasted.
  location.replace(answer.type === "opaqueredirect" ? "/redeem" : "/redeem?paste");
}
