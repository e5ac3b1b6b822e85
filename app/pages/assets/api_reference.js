// The page of the API reference. Requests that are tried out go to this service, with the cookie of who is signed in.

SwaggerUIBundle({ url: "/api/openapi.json", dom_id: "#reference", deepLinking: true, validatorUrl: null });
