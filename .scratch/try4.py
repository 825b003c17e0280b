from common import *
from marketplace_sdk.plugin import hookimpl, QuestionTypeSpec
import marketplace_sdk.plugin as P
class Kinds:
    @hookimpl
    def marketplace_question_types(self):
        return [QuestionTypeSpec(name='ANY', check=lambda a: '', summary='x', json_schema={})]
try:
    print([n for n in dir(P) if 'uestion' in n])
    @T('custom kind hostile', plugins=[Kinds()])
    def _(w):
        f=w.form(any_of(LEGAL),questions=[Question(key='q',label='q',kind='ANY')]); p=w.publish(form=f)
        nested=[]
        for _ in range(5000): nested=[nested]
        loop=[]; loop.append(loop)
        class O: pass
        for a in (O(),b'x',{1:2},float('nan'),float('inf'),10**400,{'a':O()},{'a':{'b':[1,{'c':2}]}},loop,nested,{1,2},datetime.now(UTC),'\ud800',['\ud800'],{'\0':1}, 'x'*30000, ['x'*30000]*100):
            try:
                x=tr(w.ask,p,by='pat',answers={'q':a})
            except BaseException as e: print('  RAISED',type(e).__name__, str(e)[:100], type(a)); continue
            if x:
                y=w.market.requests.get(x.id,by='pat')
                print('ok',ascii(str(a))[:60],ascii(str(y.answers))[:60]); w.market.requests.cancel(x.id,by='pat')
except Exception: traceback.print_exc()

@T('fallback reading')
def _(w):
    f=w.form(any_of(LEGAL),fallback=user('sal')); p=w.publish(form=f); r=w.ask(p)
    print('reads while not stuck:', tr(w.market.requests.get,r.id,by='sal'))
    tr(w.market.requests.approve,r.id,reason='x',by='sal')
    print([x.id for x in w.market.requests.find(by='sal').items], [x.id for x in w.market.requests.awaiting(by='sal').items])
    w.approve(r,'ana'); print('reads after decision:', tr(w.market.requests.get,r.id,by='sal') and 'yes', len(w.market.requests.find(by='sal').items))
    tr(w.market.requests.revoke,r.id,reason='x',by='sal')

@T('domain ops')
def _(w):
    p=w.publish(any_of(LEGAL)); r=w.ask(p); w.approve(r,'ana'); w.deliver()
    tr(w.market.domains.delete,'HR',by='gil')
    w.market.domains.remove('HR',['people'],by='gil'); tr(w.ask,p,by='pat'); w.deliver(); print(w.reads('con'))
    tr(w.market.products.set_sources,p.id,['people','leave'],by='dee'); 
    tr(w.market.products.set_sources,p.id,['leave'],by='dee'); w.deliver(); print(w.reads('con'))
    tr(w.market.products.set_sources,p.id,[],by='dee')
    tr(w.market.products.set_sources,p.id,['nix'],by='dee')
    tr(w.market.products.set_sources,p.id,['ledger'],by='dee')

@T('bad flows')
def _(w):
    for f in (lambda:Stage.any_of(),lambda:Stage.all_of(),lambda:ReviewFlow.review(),lambda:Seat(),lambda:Seat(LEGAL,approvals=0),lambda:Stage(sets=()),lambda:Stage(sets=((),)),lambda:ReviewFlow.approve(justification=''),lambda:ReviewFlow.with_rules(default=None), lambda:group(''), lambda:permission('x y'), lambda:attribute('',''), lambda: domain_permission('NIX')):
        x=tr(f); print(x) if x else 0
    tr(w.market.forms.create,'X',questions=[],by='dee',domain='HR')
    tr(w.market.forms.create,'X',questions=[Question.short_answer('a','b')],by='con',domain='HR')
    tr(w.market.forms.create,'X',questions=[Question.short_answer('a','b')],by='dee')
    tr(w.market.forms.create,'X',questions=[Question.short_answer('a','b')],by='dan',domain='HR')
    tr(w.market.forms.create,'X',questions=[Question.short_answer('a','b')],by='dan',domain='NIX')
    tr(w.market.forms.delete,'standard',by='gil')
    tr(w.market.products.publish,'P.x',domain='HR',sources=['people'],by='dee')
    tr(w.market.products.publish,"Bob's",domain='HR',sources=['people'],by='dee')
    tr(w.market.products.publish,'P',domain='HR',sources=[],by='dee')
    tr(w.market.products.publish,'P',domain='HR',sources=['people','people'],by='dee')
    tr(w.market.products.publish,' p ',domain='HR',sources=['people'],by='dee')
    tr(w.market.products.publish,'p',domain='HR',sources=['people'],by='dee')
    tr(w.market.products.publish,'PX',domain='HR',sources=['people'],form='nix',by='dee')
