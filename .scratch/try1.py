import sys; sys.path.insert(0,'.')
from datetime import *
from tests.world import *
from marketplace_sdk import *
import traceback
def T(name):
    def deco(f):
        print('==',name)
        w=World(STORE if (STORE:=globals().get('STORE0','memory')) else 'memory', MemoryLake())
        try: f(w)
        except Exception as e:
            traceback.print_exc(limit=-3)
        try: w.close()
        except BaseException as e: print('close',e)
        return f
    return deco
def tr(f,*a,**k):
    try:
        r=f(*a,**k); return r
    except MarketplaceError as e:
        print('   !',type(e).__name__,getattr(e,'code',''),e,'| hint:',e.hint,'|',getattr(e,'problems',''), getattr(e,'existing','')); return None

@T('service account steward of own requester')
def _(w):
    w.market.people.add('bot',kind='service_account',owner='con',groups=['Legal'],by='uma')
    p=w.publish(any_of(LEGAL)); r=w.ask(p)
    x=tr(w.market.requests.approve,r.id,reason='x',by='bot'); print(x and x.state)

@T('standing permanent, ask again')
def _(w):
    p=w.publish(any_of(LEGAL)); r=w.ask(p); w.approve(r,'ana')
    tr(w.ask,p); tr(w.market.requests.extend,r.id,answers={'why':'x'},by='con')

@T('extension pending, revoke')
def _(w):
    p=w.publish(any_of(LEGAL)); r=w.ask(p); w.approve(r,'ana',until=timedelta(days=3)); w.deliver()
    e=w.market.requests.extend(r.id,answers={'why':'more'},by='con')
    print(w.reads('con'))
    w.market.requests.revoke(r.id,reason='x',by='ana'); print(w.state(e), w.state(r)); w.deliver(); print(w.reads('con'))
    print(w.market.requests.get(e.id,by='con').cause, w.told('con'), w.told('bo'))
    # ask again
    r2=tr(w.ask,p); print(r2.state)
    tr(w.market.requests.extend,r.id,answers={'why':'x'},by='con')

@T('approve extension with suspended; expired at instant')
def _(w):
    p=w.publish(any_of(LEGAL)); r=w.ask(p); w.approve(r,'ana',until=timedelta(days=3)); w.deliver()
    e=w.market.requests.extend(r.id,answers={'why':'more'},by='con')
    w.clock.advance(days=3)
    print(w.state(r), w.market.products.get(p.id,by='con').status, w.market.grants.of('con',by='con').items[0].state)
    x=tr(w.market.requests.approve,e.id,reason='x',until=timedelta(days=30),by='ana'); print(x and (x.state,x.cause))
    w.deliver(); print(w.reads('con'), w.state(r))

@T('group beneficiary')
def _(w):
    w.market.people.update('con',groups=['Team'],by='uma')
    pr=w.platform.principal('team_role'); w.market.people.link(group('Team'),'lake','team_role',by='uma')
    w.market.people.update('ana',groups=['Legal','Team'],by='uma')
    p=w.publish(any_of(LEGAL)); r=w.ask(p,on_behalf_of=group('Team'),by='pat')
    tr(w.market.requests.approve,r.id,reason='x',by='ana')
    tr(w.market.requests.deny,r.id,reason='x',by='ana')
    print(w.market.requests.explain(r.id,by='gil'))
    w.approve(r,'bo',until=timedelta(days=1)); w.deliver()
    tr(w.market.requests.relinquish,r.id,by='con')
    tr(w.market.requests.cancel,r.id,by='con')
    tr(w.market.requests.extend,r.id,by='con')
    print([g.state for g in w.market.grants.of(group('Team'),by='con').items], w.market.products.get(p.id,by='con').status)
    # ask alone also
    r2=w.ask(p); print(r2.state)
    print(w.told('con'),w.told('ana'))

@T('two stages same person')
def _(w):
    p=w.publish(ReviewFlow.review(Stage.any_of(LEGAL),Stage.any_of(LEGAL,GOV))); r=w.ask(p)
    x=w.approve(r,'ana'); print(x.state); x=tr(w.market.requests.approve,r.id,reason='y',by='ana'); print(x.state)

@T('withdraw after first stage, resubmit')
def _(w):
    p=w.publish(ReviewFlow.review(Stage.any_of(LEGAL),Stage.any_of(GOV))); r=w.ask(p); w.approve(r,'ana')
    c=w.market.requests.cancel(r.id,by='con'); print(c.state,c.cause,len(c.determinations)); tr(w.market.requests.approve,r.id,reason='y',by='gil')
    c=tr(w.market.requests.cancel,r.id,by='con')
    r2=w.ask(p); print(r2.state, r2.id!=r.id, w.market.inbox.of('gil',by='gil').items and [m.kind for m in w.market.inbox.of('gil',by='gil').items])

@T('one of each with same person in two groups; steward denied after partially')
def _(w):
    p=w.publish(all_of(LEGAL,PRIVACY)); r=w.ask(p); x=w.approve(r,'bo'); print(x.state)
    p=w.publish(all_of(LEGAL,PRIVACY,distinct=True)); r=w.ask(p,by='pat'); x=w.approve(r,'bo'); print(x.state,w.market.requests.explain(r.id,by='gil')); tr(w.market.requests.deny,r.id,reason='x',by='bo')
    x=w.approve(r,'ana'); print(x.state)

@T('steward who becomes requester side later; attribute changed after asking')
def _(w):
    p=w.publish(any_of(TEAM)); r=w.ask(p)
    w.market.people.update('fay',attributes={'team':'sales'},by='uma')
    tr(w.market.requests.approve,r.id,reason='x',by='fay')
    print(w.market.requests.explain(r.id,by='con'))
    w.market.people.update('sal',attributes={'team':['finance','x']},by='uma')
    print(w.market.requests.explain(r.id,by='gil'))
    print(w.approve(r,'sal').state)

@T('delete with live grants')
def _(w):
    p=w.publish(any_of(LEGAL)); r=w.ask(p); w.approve(r,'ana'); r2=w.ask(p,by='pat'); w.deliver()
    tr(w.market.products.delete,p.id,by='dee'); print(w.state(r2))
    w.market.products.retire(p.id,by='dee'); tr(w.ask,p,by='pat')
    tr(w.market.products.delete,p.id,by='dee')
    d=w.market.products.delete(p.id,cascade=True,by='dee'); print(d.state)
    w.deliver(); print(w.market.products.get(p.id,by='dee').state, w.reads('con'), w.state(r), w.state(r2))
    d=tr(w.market.products.delete,p.id,cascade=True,by='dee'); print(d.state)
    tr(w.ask,p,by='pat'); tr(w.market.products.suspend,p.id,reason='x',by='dee')
    print(w.market.products.search('',by='con').items)

@T('mask ends before grant')
def _(w):
    p=w.publish(any_of(LEGAL)); r=w.ask(p); w.approve(r,'ana',until=timedelta(days=10)); m=w.ask_unmasked(p); w.approve(m,'ana',until=timedelta(days=2)); w.deliver()
    print(w.reads('con',column='salary')); w.clock.advance(days=2); print(w.state(m)); w.deliver(); print(w.reads('con',column='salary'),w.reads('con'))
    m=w.ask_unmasked(p); w.approve(m,'ana'); w.deliver(); print(w.reads('con',column='salary')); w.clock.advance(days=8); print(w.state(m), [ (g.kind,g.state,g.withheld) for g in w.market.grants.of('con',by='con').items]); w.deliver(); print(w.reads('con',column='salary'), w.state(m), w.market.requests.get(m.id,by='con').cause)
