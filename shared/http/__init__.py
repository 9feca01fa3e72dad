"""What all HTTP functions share: routes, tokens, pushes, bodies, responses and problems."""
