"""Problems."""
def problem_for_response(request, response): return response
