def own_report(t): return None
def recognize(t): return [], t
