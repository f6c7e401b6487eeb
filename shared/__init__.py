"""What the functions share: one package per area of the product, on a small ground floor.

Imports run one way: functions -> areas (`telegram`, `bots`, `ai`, `scheduled`) -> ground floor (`config`,
`errors`, `log`, `signatures`, `http`, `db`, `texts`). An area does not reach into another area's insides.
"""
