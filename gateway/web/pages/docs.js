// A file of its own: the pages' security policy allows no script inside a page.
SwaggerUIBundle({ url: "/docs/openapi.json", dom_id: "#docs", deepLinking: true });
