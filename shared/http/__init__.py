"""What every HTTP door uses: routes, tokens, pushes, bodies, answers, problems."""
