// Kept apart from the page: its Content-Security-Policy lets no inline script run.
window.ui = SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#calls",
  presets: [SwaggerUIBundle.presets.apis],
  validatorUrl: null, // the badge would send the document to a server elsewhere
  persistAuthorization: false, // a token lives as long as the tab
  tryItOutEnabled: true,
  deepLinking: true,
  displayRequestDuration: true,
});
