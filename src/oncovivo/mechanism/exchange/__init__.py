"""Models and data for other programs, and from them: SBML, Antimony, NONMEM, rxode2."""
