"""The paper's equations by loops over one block, in 300-digit numbers: what the tests compare with.

Documents are named by their position in the block, 0 being the positive, and every quantity is a dict or
list over these names, so nothing can be aligned by accident. Slow and plain on purpose.
"""

from mpmath import exp, log, mp, mpf

mp.dps = 300
STEP = mpf(10) ** -100


def probabilities(scores):
    """Eq. 2: {document: score} to {document: P}."""
    total = sum(exp(score) for score in scores.values())
    return {document: exp(score) / total for document, score in scores.items()}


def loss(p):
    """Eq. 1 and Eq. 8, on {document: probability}."""
    return -log(p[0]) - sum(log(1 - p[document]) for document in p if document != 0)


def kept(values, size):
    """Eq. 4: the positive and the `size - 1` negatives with the highest values, one after the other."""
    chosen, left = [0], [document for document in values if document != 0]
    while left and len(chosen) < size:
        best = left[0]
        for document in left:
            if values[document] > values[best]:
                best = document
        chosen.append(best)
        left.remove(best)
    return chosen


def levels(tables, keys, sizes, selection):
    """Algorithm 1: the {document: score} that each level saw. `tables[i][document]` is level i's score."""
    documents = list(range(len(keys)))
    seen = []
    for table, size in zip(tables, sizes, strict=True):
        if seen:
            values = seen[-1] if selection == "top" else {document: keys[document] for document in documents}
            documents = kept(values, size)
        seen.append({document: table[document] for document in documents})
    return seen


def v3(tables, keys, sizes, selection):
    """Eq. 5."""
    seen = levels(tables, keys, sizes, selection)
    return loss(probabilities(seen[0])) + loss(probabilities(seen[-1]))


def cpr(p, form):
    """Eq. 7: {document: CPR_i} for the documents of the last of the levels' probabilities `p`."""
    products = {}
    for document in p[-1]:
        products[document] = mpf(1)
        for p_of_level in p:
            products[document] *= p_of_level[document]
    if form == "literal-from-2" and len(p) == 1:
        return p[0]
    if form in ("literal", "literal-from-2"):
        return probabilities(products)
    if form == "geometric":
        products = {document: product ** (mpf(1) / len(p)) for document, product in products.items()}
    total = sum(products.values())
    return {document: product / total for document, product in products.items()}


def v4(tables, keys, sizes, selection, form, loss_levels=None):
    """Eq. 9: the sum of Eq. 8 over the levels."""
    p = [probabilities(scores) for scores in levels(tables, keys, sizes, selection)]
    numbers = loss_levels or range(1, len(sizes) + 1)
    return sum(loss(cpr(p[:number], form)) for number in numbers)


def gradient(function, table):
    """The derivative of `function` by each number of the rows of `table`, by a step of 1e-100."""
    start = function(table)
    result = []
    for i, row in enumerate(table):
        result.append([])
        for j in range(len(row)):
            moved = [list(other) for other in table]
            moved[i][j] = mpf(moved[i][j]) + STEP
            result[i].append(float((function(moved) - start) / STEP))
    return result
