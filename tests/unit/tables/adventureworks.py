"""AdventureWorks, as its port to PostgreSQL has it; `sample_databases` says how to read it.

The port's domains stand here as their types, its bare `numeric` as the `money` that it replaces.
"""

PERSON = """
businessentity: businessentityid serial; rowguid uuid = uuid(); modifieddate timestamp = now()

person: businessentityid int; persontype char(2); namestyle bool = false; title varchar(8) null;
  firstname varchar(50); middlename varchar(50) null; lastname varchar(50); suffix varchar(10) null;
  emailpromotion int = 0; additionalcontactinfo xml null; demographics xml null;
  rowguid uuid = uuid(); modifieddate timestamp = now();
  businessentityid -> businessentity

stateprovince: stateprovinceid serial; stateprovincecode char(3); countryregioncode varchar(3);
  isonlystateprovinceflag bool = true; name varchar(50); territoryid int;
  rowguid uuid = uuid(); modifieddate timestamp = now();
  countryregioncode -> countryregion; territoryid -> salesterritory

address: addressid serial; addressline1 varchar(60); addressline2 varchar(60) null;
  city varchar(30); stateprovinceid int; postalcode varchar(15); spatiallocation bytea null;
  rowguid uuid = uuid(); modifieddate timestamp = now();
  stateprovinceid -> stateprovince

addresstype: addresstypeid serial; name varchar(50);
  rowguid uuid = uuid(); modifieddate timestamp = now()

businessentityaddress: businessentityid int; addressid int; addresstypeid int;
  rowguid uuid = uuid(); modifieddate timestamp = now();
  key businessentityid addressid addresstypeid;
  businessentityid -> businessentity; addressid -> address; addresstypeid -> addresstype

contacttype: contacttypeid serial; name varchar(50); modifieddate timestamp = now()

businessentitycontact: businessentityid int; personid int; contacttypeid int;
  rowguid uuid = uuid(); modifieddate timestamp = now();
  key businessentityid personid contacttypeid;
  businessentityid -> businessentity; personid -> person; contacttypeid -> contacttype

emailaddress: businessentityid int; emailaddressid serial; emailaddress varchar(50) null;
  rowguid uuid = uuid(); modifieddate timestamp = now();
  key businessentityid emailaddressid; businessentityid -> person

password: businessentityid int; passwordhash varchar(128); passwordsalt varchar(10);
  rowguid uuid = uuid(); modifieddate timestamp = now();
  businessentityid -> person

phonenumbertype: phonenumbertypeid serial; name varchar(50); modifieddate timestamp = now()

personphone: businessentityid int; phonenumber varchar(25); phonenumbertypeid int;
  modifieddate timestamp = now();
  key businessentityid phonenumber phonenumbertypeid;
  businessentityid -> person; phonenumbertypeid -> phonenumbertype

countryregion: countryregioncode varchar(3); name varchar(50); modifieddate timestamp = now()
"""

HUMAN_RESOURCES = """
department: departmentid serial; name varchar(50); groupname varchar(50);
  modifieddate timestamp = now()

employee: businessentityid int; nationalidnumber varchar(15); loginid varchar(256);
  jobtitle varchar(50); birthdate date; maritalstatus char(1); gender char(1); hiredate date;
  salariedflag bool = true; vacationhours smallint = 0; sickleavehours smallint = 0;
  currentflag bool = true; rowguid uuid = uuid(); modifieddate timestamp = now();
  organizationnode varchar null = /;
  businessentityid -> person

employeedepartmenthistory: businessentityid int; departmentid smallint; shiftid smallint;
  startdate date; enddate date null; modifieddate timestamp = now();
  key businessentityid startdate departmentid shiftid;
  businessentityid -> employee; departmentid -> department; shiftid -> shift

employeepayhistory: businessentityid int; ratechangedate timestamp; rate money;
  payfrequency smallint; modifieddate timestamp = now();
  key businessentityid ratechangedate; businessentityid -> employee

jobcandidate: jobcandidateid serial; businessentityid int null; resume xml null;
  modifieddate timestamp = now();
  businessentityid -> employee

shift: shiftid serial; name varchar(50); starttime time; endtime time;
  modifieddate timestamp = now()
"""

PRODUCTION = """
billofmaterials: billofmaterialsid serial; productassemblyid int null; componentid int;
  startdate timestamp = now(); enddate timestamp null; unitmeasurecode char(3); bomlevel smallint;
  perassemblyqty numeric(8,2) = 1.00; modifieddate timestamp = now();
  productassemblyid -> product; componentid -> product; unitmeasurecode -> unitmeasure

culture: cultureid char(6); name varchar(50); modifieddate timestamp = now()

document: title varchar(50); owner int; folderflag bool = false; filename varchar(400);
  fileextension varchar(8) null; revision char(5); changenumber int = 0; status smallint;
  documentsummary text null; document bytea null; rowguid uuid = uuid();
  modifieddate timestamp = now(); documentnode varchar = /;
  key documentnode; unique rowguid; owner -> employee

productcategory: productcategoryid serial; name varchar(50);
  rowguid uuid = uuid(); modifieddate timestamp = now()

productsubcategory: productsubcategoryid serial; productcategoryid int; name varchar(50);
  rowguid uuid = uuid(); modifieddate timestamp = now();
  productcategoryid -> productcategory

productmodel: productmodelid serial; name varchar(50); catalogdescription xml null;
  instructions xml null; rowguid uuid = uuid(); modifieddate timestamp = now()

product: productid serial; name varchar(50); productnumber varchar(25); makeflag bool = true;
  finishedgoodsflag bool = true; color varchar(15) null; safetystocklevel smallint;
  reorderpoint smallint; standardcost money; listprice money; size varchar(5) null;
  sizeunitmeasurecode char(3) null; weightunitmeasurecode char(3) null; weight numeric(8,2) null;
  daystomanufacture int; productline char(2) null; class char(2) null; style char(2) null;
  productsubcategoryid int null; productmodelid int null; sellstartdate timestamp;
  sellenddate timestamp null; discontinueddate timestamp null;
  rowguid uuid = uuid(); modifieddate timestamp = now();
  sizeunitmeasurecode -> unitmeasure; weightunitmeasurecode -> unitmeasure;
  productsubcategoryid -> productsubcategory; productmodelid -> productmodel

productcosthistory: productid int; startdate timestamp; enddate timestamp null;
  standardcost money; modifieddate timestamp = now();
  key productid startdate; productid -> product

productdescription: productdescriptionid serial; description varchar(400);
  rowguid uuid = uuid(); modifieddate timestamp = now()

productdocument: productid int; modifieddate timestamp = now(); documentnode varchar = /;
  key productid documentnode; productid -> product; documentnode -> document

location: locationid serial; name varchar(50); costrate money = 0.00;
  availability numeric(8,2) = 0.00; modifieddate timestamp = now()

productinventory: productid int; locationid smallint; shelf varchar(10); bin smallint;
  quantity smallint = 0; rowguid uuid = uuid(); modifieddate timestamp = now();
  key productid locationid; productid -> product; locationid -> location

productlistpricehistory: productid int; startdate timestamp; enddate timestamp null;
  listprice money; modifieddate timestamp = now();
  key productid startdate; productid -> product

illustration: illustrationid serial; diagram xml null; modifieddate timestamp = now()

productmodelillustration: productmodelid int; illustrationid int; modifieddate timestamp = now();
  key productmodelid illustrationid;
  productmodelid -> productmodel; illustrationid -> illustration

productmodelproductdescriptionculture: productmodelid int; productdescriptionid int;
  cultureid char(6); modifieddate timestamp = now();
  key productmodelid productdescriptionid cultureid; productmodelid -> productmodel;
  productdescriptionid -> productdescription; cultureid -> culture

productphoto: productphotoid serial; thumbnailphoto bytea null;
  thumbnailphotofilename varchar(50) null; largephoto bytea null;
  largephotofilename varchar(50) null; modifieddate timestamp = now()

productproductphoto: productid int; productphotoid int; primary bool = false;
  modifieddate timestamp = now();
  key productid productphotoid; productid -> product; productphotoid -> productphoto

productreview: productreviewid serial; productid int; reviewername varchar(50);
  reviewdate timestamp = now(); emailaddress varchar(50); rating int; comments varchar(3850) null;
  modifieddate timestamp = now();
  productid -> product

scrapreason: scrapreasonid serial; name varchar(50); modifieddate timestamp = now()

transactionhistory: transactionid serial; productid int; referenceorderid int;
  referenceorderlineid int = 0; transactiondate timestamp = now(); transactiontype char(1);
  quantity int; actualcost money; modifieddate timestamp = now();
  productid -> product

transactionhistoryarchive: transactionid int; productid int; referenceorderid int;
  referenceorderlineid int = 0; transactiondate timestamp = now(); transactiontype char(1);
  quantity int; actualcost money; modifieddate timestamp = now()

unitmeasure: unitmeasurecode char(3); name varchar(50); modifieddate timestamp = now()

workorder: workorderid serial; productid int; orderqty int; scrappedqty smallint;
  startdate timestamp; enddate timestamp null; duedate timestamp; scrapreasonid smallint null;
  modifieddate timestamp = now();
  productid -> product; scrapreasonid -> scrapreason

workorderrouting: workorderid int; productid int; operationsequence smallint; locationid smallint;
  scheduledstartdate timestamp; scheduledenddate timestamp; actualstartdate timestamp null;
  actualenddate timestamp null; actualresourcehrs numeric(9,4) null; plannedcost money;
  actualcost money null; modifieddate timestamp = now();
  key workorderid productid operationsequence;
  workorderid -> workorder; locationid -> location
"""

PURCHASING = """
productvendor: productid int; businessentityid int; averageleadtime int; standardprice money;
  lastreceiptcost money null; lastreceiptdate timestamp null; minorderqty int; maxorderqty int;
  onorderqty int null; unitmeasurecode char(3); modifieddate timestamp = now();
  key productid businessentityid;
  productid -> product; businessentityid -> vendor; unitmeasurecode -> unitmeasure

purchaseorderdetail: purchaseorderid int; purchaseorderdetailid serial; duedate timestamp;
  orderqty smallint; productid int; unitprice money; receivedqty numeric(8,2);
  rejectedqty numeric(8,2); modifieddate timestamp = now();
  key purchaseorderid purchaseorderdetailid;
  purchaseorderid -> purchaseorderheader; productid -> product

purchaseorderheader: purchaseorderid serial; revisionnumber smallint = 0; status smallint = 1;
  employeeid int; vendorid int; shipmethodid int; orderdate timestamp = now();
  shipdate timestamp null; subtotal money = 0.00; taxamt money = 0.00; freight money = 0.00;
  modifieddate timestamp = now();
  employeeid -> employee; vendorid -> vendor; shipmethodid -> shipmethod

shipmethod: shipmethodid serial; name varchar(50); shipbase money = 0.00; shiprate money = 0.00;
  rowguid uuid = uuid(); modifieddate timestamp = now()

vendor: businessentityid int; accountnumber varchar(15); name varchar(50); creditrating smallint;
  preferredvendorstatus bool = true; activeflag bool = true;
  purchasingwebserviceurl varchar(1024) null; modifieddate timestamp = now();
  businessentityid -> businessentity
"""

SALES = """
countryregioncurrency: countryregioncode varchar(3); currencycode char(3);
  modifieddate timestamp = now();
  key countryregioncode currencycode;
  countryregioncode -> countryregion; currencycode -> currency

creditcard: creditcardid serial; cardtype varchar(50); cardnumber varchar(25); expmonth smallint;
  expyear smallint; modifieddate timestamp = now()

currency: currencycode char(3); name varchar(50); modifieddate timestamp = now()

currencyrate: currencyrateid serial; currencyratedate timestamp; fromcurrencycode char(3);
  tocurrencycode char(3); averagerate money; endofdayrate money; modifieddate timestamp = now();
  fromcurrencycode -> currency; tocurrencycode -> currency

customer: customerid serial; personid int null; storeid int null; territoryid int null;
  rowguid uuid = uuid(); modifieddate timestamp = now();
  personid -> person; storeid -> store; territoryid -> salesterritory

personcreditcard: businessentityid int; creditcardid int; modifieddate timestamp = now();
  key businessentityid creditcardid; businessentityid -> person; creditcardid -> creditcard

salesorderdetail: salesorderid int; salesorderdetailid serial;
  carriertrackingnumber varchar(25) null; orderqty smallint; productid int; specialofferid int;
  unitprice money; unitpricediscount money = 0.0;
  rowguid uuid = uuid(); modifieddate timestamp = now();
  key salesorderid salesorderdetailid;
  salesorderid -> salesorderheader; specialofferid productid -> specialofferproduct

salesorderheader: salesorderid serial; revisionnumber smallint = 0; orderdate timestamp = now();
  duedate timestamp; shipdate timestamp null; status smallint = 1; onlineorderflag bool = true;
  purchaseordernumber varchar(25) null; accountnumber varchar(15) null; customerid int;
  salespersonid int null; territoryid int null; billtoaddressid int; shiptoaddressid int;
  shipmethodid int; creditcardid int null; creditcardapprovalcode varchar(15) null;
  currencyrateid int null; subtotal money = 0.00; taxamt money = 0.00; freight money = 0.00;
  totaldue money null; comment varchar(128) null;
  rowguid uuid = uuid(); modifieddate timestamp = now();
  customerid -> customer; salespersonid -> salesperson; territoryid -> salesterritory;
  billtoaddressid -> address; shiptoaddressid -> address; shipmethodid -> shipmethod;
  creditcardid -> creditcard; currencyrateid -> currencyrate

salesorderheadersalesreason: salesorderid int; salesreasonid int; modifieddate timestamp = now();
  key salesorderid salesreasonid;
  salesorderid -> salesorderheader; salesreasonid -> salesreason

salesperson: businessentityid int; territoryid int null; salesquota money null;
  bonus money = 0.00; commissionpct money = 0.00; salesytd money = 0.00;
  saleslastyear money = 0.00; rowguid uuid = uuid(); modifieddate timestamp = now();
  businessentityid -> employee; territoryid -> salesterritory

salespersonquotahistory: businessentityid int; quotadate timestamp; salesquota money;
  rowguid uuid = uuid(); modifieddate timestamp = now();
  key businessentityid quotadate; businessentityid -> salesperson

salesreason: salesreasonid serial; name varchar(50); reasontype varchar(50);
  modifieddate timestamp = now()

salestaxrate: salestaxrateid serial; stateprovinceid int; taxtype smallint; taxrate money = 0.00;
  name varchar(50); rowguid uuid = uuid(); modifieddate timestamp = now();
  stateprovinceid -> stateprovince

salesterritory: territoryid serial; name varchar(50); countryregioncode varchar(3);
  group varchar(50); salesytd money = 0.00; saleslastyear money = 0.00; costytd money = 0.00;
  costlastyear money = 0.00; rowguid uuid = uuid(); modifieddate timestamp = now();
  countryregioncode -> countryregion

salesterritoryhistory: businessentityid int; territoryid int; startdate timestamp;
  enddate timestamp null; rowguid uuid = uuid(); modifieddate timestamp = now();
  key businessentityid startdate territoryid;
  businessentityid -> salesperson; territoryid -> salesterritory

shoppingcartitem: shoppingcartitemid serial; shoppingcartid varchar(50); quantity int = 1;
  productid int; datecreated timestamp = now(); modifieddate timestamp = now();
  productid -> product

specialoffer: specialofferid serial; description varchar(255); discountpct money = 0.00;
  type varchar(50); category varchar(50); startdate timestamp; enddate timestamp; minqty int = 0;
  maxqty int null; rowguid uuid = uuid(); modifieddate timestamp = now()

specialofferproduct: specialofferid int; productid int;
  rowguid uuid = uuid(); modifieddate timestamp = now();
  key specialofferid productid; specialofferid -> specialoffer; productid -> product

store: businessentityid int; name varchar(50); salespersonid int null; demographics xml null;
  rowguid uuid = uuid(); modifieddate timestamp = now();
  businessentityid -> businessentity; salespersonid -> salesperson
"""

ADVENTUREWORKS = "\n".join((PERSON, HUMAN_RESOURCES, PRODUCTION, PURCHASING, SALES))
