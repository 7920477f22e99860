"""Each paper's equations and claims: statement, verdict, function and test."""
