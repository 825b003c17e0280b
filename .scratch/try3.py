from common import *
from marketplace_sdk.testing import *
import marketplace_sdk.memory.directory as md
from marketplace_sdk.plugin import *
from marketplace_sdk.testing import FrozenClock, MemoryPlatform

def ext():
    clock=FrozenClock(); plat=MemoryPlatform(objects={'d.t':['a']},principals=['con1','con2','bot1'],protected=[])
    d=md.MemoryDirectory([Person(id='gil',permissions=frozenset({'GOVERNANCE','USER_ADMIN'})),Person(id='ana',groups=frozenset({'Legal'})),Person(id='bo',groups=frozenset({'Legal'})),Person(id='con',principals={'lake':'con1'}),Person(id='pat',principals={'lake':'con2'})],clock=clock)
    m=Marketplace('memory',connections={'lake':plat},directory=d,clock=clock,discover=False)
    m.sources.register(DataSource('t',connection='lake',object='d.t',columns=['a']),by='gil'); m.domains.create('D',by='gil'); m.domains.assign('D',['t'],by='gil')
    f=m.forms.create('F',questions=[Question.short_answer('why','w')],review=any_of(LEGAL),by='gil')
    p=m.products.publish('P',domain='D',sources=['t'],form=f.id,by='gil')
    return clock,plat,d,m,p
def ask(m,p,by='con',**k): return m.requests.request_access(p.id,answers={'why':'x'},by=by,**k)

print('== beneficiary mapping removed after active')
clock,plat,d,m,p=ext(); r=ask(m,p); m.requests.approve(r.id,reason='x',by='ana'); m.deliver(); print(plat.reads('con1','d.t','a'))
d.put(Person(id='con')); m.deliver(); print('no pass', plat.reads('con1','d.t','a'), [ (x.kind) for x in m.grants.drift(by='gil').findings], m.grants.of('con',by='gil').items[0].state)
clock.advance(days=2); m.deliver(); print('after 2 days', plat.reads('con1','d.t','a'), str(m.grants.of('con',by='gil').items[0]))
m.requests.revoke(r.id,reason='x',by='gil'); m.deliver(); print(plat.reads('con1','d.t','a'), m.grants.of('con',ended=True,by='gil').items[0].state)

print('== beneficiary left ext dir, pending')
clock,plat,d,m,p=ext(); r=ask(m,p); d.put(Person(id='con',active=False,principals={'lake':'con1'}))
x=tr(m.requests.approve,r.id,reason='x',by='ana'); m.deliver(); print(x and x.state, plat.reads('con1','d.t','a'), str(m.grants.find(by='gil').items[0]) if x else '')
clock.advance(days=3); m.deliver(); print(m.requests.get(r.id,by='gil').state)
print('== beneficiary left ext dir, active')
clock,plat,d,m,p=ext(); r=ask(m,p); m.requests.approve(r.id,reason='x',by='ana'); m.deliver(); d.remove('con'); clock.advance(days=2); m.deliver(); print(m.requests.get(r.id,by='gil').state,plat.reads('con1','d.t','a'), str(m.grants.find(by='gil').items[0]), m.grants.drift(by='gil').findings)
print('== mapping changed to another')
clock,plat,d,m,p=ext(); r=ask(m,p); m.requests.approve(r.id,reason='x',by='ana'); m.deliver(); d.put(Person(id='con',principals={'lake':'con2'})); clock.advance(days=2); m.deliver(); print(plat.reads('con1','d.t','a'),plat.reads('con2','d.t','a'),str(m.grants.find(by='gil').items[0]))
print('== directory old facts')
clock,plat,d,m,p=ext(); d2=md.MemoryDirectory([Person(id='con',principals={'lake':'con1'},as_of=clock()-timedelta(seconds=61))])
